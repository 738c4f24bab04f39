/** The simulated API server: in memory, synchronous, the same each time. The contract tests hold it against the real one. */
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import type {
  DeleteOptions,
  ObjectKey,
  ResourceName,
  ServerAnswer,
  ServerRequest,
  ServerStream,
  SimulatedServer,
  User,
  Write,
} from "../types.ts";
import { HttpSide } from "./http_side.ts";
import { jobSetSchemas, jobSetStrategy } from "./job_set_strategy.ts";
import { JOB_STRATEGY } from "./job_strategy.ts";
import { ObjectStore, type Owned } from "./object_store.ts";
import { keyOfObject, ObjectWriter, withKind } from "./object_writer.ts";
import { once } from "./once.ts";
import {
  CLAIM_STRATEGY,
  EVENT_STRATEGY,
  NODE_STRATEGY,
  PRIORITY_CLASS_STRATEGY,
  SERVICE_STRATEGY,
} from "./other_strategies.ts";
import { POD_STRATEGY } from "./pod_strategy.ts";
import { RESOURCE_INFO } from "./resource_info.ts";
import { PLAIN, type Strategy } from "./strategy.ts";
import { jobSetWebhooks } from "./webhooks.ts";

export interface SimServerOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether our defaults and rules are asked before a JobSet is written. */
  readonly hasWebhooks: boolean;
  /** Those of the webhooks. */
  readonly gates: FeatureGates;
}

/** A seed's server lives for milliseconds; the schema takes as long to make. */
const sharedSchemas = once(jobSetSchemas);

export class SimServer implements SimulatedServer {
  readonly #store = new ObjectStore();
  readonly #writer: ObjectWriter;
  readonly #http: HttpSide;

  constructor({ now, hasWebhooks, gates }: SimServerOptions) {
    const store = this.#store;
    const strategies: Record<ResourceName, Strategy> = {
      jobsets: jobSetStrategy(sharedSchemas()),
      jobs: JOB_STRATEGY,
      pods: POD_STRATEGY,
      services: SERVICE_STRATEGY,
      persistentvolumeclaims: CLAIM_STRATEGY,
      events: EVENT_STRATEGY,
      leases: PLAIN,
      priorityclasses: PRIORITY_CLASS_STRATEGY,
      nodes: NODE_STRATEGY,
    };
    const admission = hasWebhooks ? { jobsets: jobSetWebhooks({ store, gates }) } : {};
    this.#writer = new ObjectWriter({ store, strategies, admission, now });
    this.#http = new HttpSide({ store, writer: this.#writer, now });
  }

  get resourceVersion(): number {
    return this.#store.version;
  }

  handle(request: ServerRequest): ServerAnswer {
    return this.#http.handle(request);
  }

  watch(request: ServerRequest): ServerStream | ServerAnswer {
    return this.#http.watch(request);
  }

  create(user: User, resource: ResourceName, object: JsonObject): JsonObject {
    const info = RESOURCE_INFO[resource];
    return this.#writer.create(info, withKind(info, object), user).object;
  }

  update(user: User, resource: ResourceName, object: JsonObject, subresource?: "status"): JsonObject {
    const stored = this.#writer.find(RESOURCE_INFO[resource], keyOfObject(object));
    return this.#writer.update(stored, { user, subresource, next: object, kind: "put" }).object;
  }

  remove(user: User, resource: ResourceName, key: ObjectKey, options: DeleteOptions = {}): void {
    const { propagation, uid, graceSeconds } = options;
    const stored = this.#writer.find(RESOURCE_INFO[resource], key);
    this.#writer.remove(stored, { user, propagation, graceSeconds, preconditions: { uid } });
  }

  get(resource: ResourceName, { namespace, name }: ObjectKey): JsonObject | undefined {
    return this.#store.find(resource, namespace, name)?.object;
  }

  *all(resource: ResourceName): Iterable<JsonObject> {
    for (const { object } of this.#store.all(resource)) yield object;
  }

  count(resource: ResourceName): number {
    return this.#store.count(resource);
  }

  ownedBy(uid: string): Iterable<Owned> {
    return this.#store.ownedBy(uid);
  }

  hasUid(uid: string): boolean {
    return this.#store.hasUid(uid);
  }

  onWrite(listener: (write: Write) => void): void {
    this.#store.onWrite(listener);
  }

  compact(): void {
    this.#store.compact();
    this.#http.compact();
  }
}
