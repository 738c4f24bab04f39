/** A cluster without our controller: the simulated server, the actors, and a clock that runs as far as a test wants. */
import type { JsonObject } from "../../../src/base/json.ts";
import type { Random } from "../../../src/base/random.ts";
import { seededRandom } from "../../../src/base/seeded_random.ts";
import { DEFAULT_FEATURE_GATES } from "../../../src/api/feature_gates.ts";
import { SimServer } from "../server/sim_server.ts";
import { Timeline } from "../timeline.ts";
import type { ActorWorld, DeleteOptions, ObjectKey, ResourceName, Write } from "../types.ts";
import { conditionsOf } from "./objects.ts";
import { startCluster } from "./start_actors.ts";

const START_MS = Date.UTC(2030, 0, 1);
const MAX_STEPS = 20_000;

export class TestWorld implements ActorWorld {
  readonly server: SimServer;
  readonly random: Random;
  /** In their order. */
  readonly writes: Write[] = [];
  readonly #timeline = new Timeline();

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.server = new SimServer({ now: () => this.now(), hasWebhooks: false, gates: DEFAULT_FEATURE_GATES });
    this.server.onWrite((write) => {
      this.writes.push(write);
    });
    startCluster(this);
  }

  now(): number {
    return START_MS + this.#timeline.nowMs;
  }

  elapsed(): number {
    return this.#timeline.nowMs;
  }

  after(delayMs: number, label: string, fire: () => void): void {
    this.#timeline.after(delayMs, label, fire);
  }

  /** Until nothing is left to happen. */
  runOut(): void {
    this.runUntil(() => false);
  }

  /** Until the condition holds; whether it came to hold. */
  runUntil(isTrue: () => boolean): boolean {
    for (let steps = 0; steps < MAX_STEPS; steps += 1) {
      if (isTrue()) return true;
      const due = this.#timeline.next();
      if (due === undefined) return false;
      due.fire();
    }
    throw new Error(`the world still moves after ${MAX_STEPS} steps`);
  }

  job(name: string): JsonObject | undefined {
    return this.server.get("jobs", key(name));
  }

  /** Such as `Suspended=True/JobSuspended`, in their order. */
  conditions(name: string): readonly string[] {
    return conditionsOf(this.job(name) ?? {}).map((condition) => {
      const { type, status, reason } = condition as { type: string; status: string; reason: string };
      return `${type}=${status}/${reason}`;
    });
  }

  patchSpec(resource: ResourceName, name: string, change: JsonObject): void {
    const object = this.server.get(resource, key(name));
    const spec = { ...object?.["spec"] as JsonObject, ...change };
    this.server.update("user", resource, { ...object, spec });
  }

  delete(resource: ResourceName, name: string, propagation: NonNullable<DeleteOptions["propagation"]>): void {
    this.server.remove("user", resource, key(name), { propagation });
  }
}

export function key(name: string): ObjectKey {
  return { namespace: "ns", name };
}

/** An Indexed Job of two Pods; `annotations` are their fate. */
export function testJob(name: string, annotations: JsonObject, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: "ns" },
    spec: {
      completionMode: "Indexed",
      parallelism: 2,
      completions: 2,
      backoffLimit: 0,
      ...spec,
      template: {
        metadata: { annotations },
        spec: { restartPolicy: "Never", containers: [{ name: "main", image: "registry.example/train:1" }] },
      },
    },
  };
}
