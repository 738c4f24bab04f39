/** Pods made by hand for a Job that nobody runs, as its Job controller would make them. */
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { ApiAnswer } from "../../scripts/control_plane/api.ts";
import { type Cluster, nameOf, uidOf } from "./cluster.ts";
import { INDEX, JOB_KEY, type Zones } from "./placement_zones.ts";

/** Jobs with it are left alone by the Job controller. */
export const BY_HAND: JsonObject = { managedBy: "example.com/by-hand" };

export interface HandMadePod {
  readonly name: string;
  readonly index: number;
  /** A zone that its nodeSelector names. */
  readonly pin?: string;
  /** What its nodeSelector says beside that. */
  readonly selector?: Readonly<Record<string, string>>;
  /** Bound to it from the start, past the scheduler. */
  readonly node?: string;
  /** Another Job; this one where absent. */
  readonly owner?: JobByHand;
  /** Keeps it while it is being deleted. */
  readonly isHeld?: boolean;
}

/** A Job of one exclusive JobSet, and Pods of it. */
export class JobByHand {
  readonly zones: Zones;
  readonly job: JsonObject;
  readonly #cluster: Cluster;

  private constructor(zones: Zones, job: JsonObject) {
    this.zones = zones;
    this.job = job;
    this.#cluster = zones.cluster;
  }

  /** Creates the JobSet and waits for its Job. */
  static async create(zones: Zones, name: string, pods = 4): Promise<JobByHand> {
    const { cluster } = zones;
    await cluster.create("jobsets", zones.exclusive(name, { jobs: 1, pods, job: BY_HAND }));
    const [job] = await cluster.jobCount(name, 1);
    return new JobByHand(zones, job ?? {});
  }

  get uid(): string {
    return uidOf(this.job);
  }

  get name(): string {
    return nameOf(this.job);
  }

  get jobKey(): string {
    return asString(at(this.job, "spec", "template", "metadata", "labels", JOB_KEY)) ?? "";
  }

  /** What the API server says to it. */
  ask(pod: HandMadePod): Promise<ApiAnswer> {
    return this.#cluster.api.request("POST", this.#cluster.path("pods"), this.body(pod));
  }

  create(pod: HandMadePod): Promise<JsonObject> {
    return this.#cluster.create("pods", this.body(pod));
  }

  /** Deletes it for good, whoever plays it. */
  async kill(name: string): Promise<void> {
    await this.#cluster.api.delete(this.#cluster.path("pods", name), { gracePeriodSeconds: 0 });
  }

  body({ name, index, pin, selector, node, owner = this, isHeld = false }: HandMadePod): JsonObject {
    const template = at(this.job, "spec", "template");
    const { labels, annotations } = asObject(at(template, "metadata")) ?? {};
    const spec = asObject(at(template, "spec")) ?? {};
    const pinned = pin === undefined ? {} : { [this.zones.key]: pin };
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        labels: { ...asObject(labels), [INDEX]: String(index) },
        annotations: { ...asObject(annotations), [INDEX]: String(index) },
        ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: owner.name, uid: owner.uid, controller: true }],
        ...(isHeld ? { finalizers: ["jobset-lite.test/held"] } : {}),
      },
      spec: {
        ...spec,
        nodeSelector: { ...asObject(spec["nodeSelector"]), ...selector, ...pinned },
        ...(node === undefined ? {} : { nodeName: node }),
      },
    };
  }
}
