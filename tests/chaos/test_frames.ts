/** Frames for the tests of the judges: a JobSet `js` and its Jobs, written as a test says. */
import type { JsonObject } from "../../src/base/json.ts";
import type { Frame } from "./frame.ts";

const KEY = "jobset.sigs.k8s.io/";

export interface JobState {
  readonly uid?: string;
  readonly attempt?: number;
  readonly isDeleting?: boolean;
  readonly isSuspended?: boolean;
  readonly conditions?: readonly string[];
}

export class Story {
  readonly frames: Frame[] = [];
  readonly #there = new Set<string>();
  readonly #listen: (frame: Frame) => void;
  nowMs = 0;

  constructor(listen: (frame: Frame) => void) {
    this.#listen = listen;
  }

  /** Time passes before the next frame. */
  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  jobSet(spec: JsonObject = {}, status: JsonObject = {}, metadata: JsonObject = {}): this {
    const replicatedJobs = [{ name: "a", replicas: 2 }];
    const object = {
      metadata: { name: "js", namespace: "ns", uid: "u1", ...metadata },
      spec: { replicatedJobs, ...spec },
      status,
    };
    return this.#write("JobSet", "js", object);
  }

  job(index: number, state: JobState = {}): this {
    return this.#write("Job", `js-a-${index}`, this.#jobObject(index, state));
  }

  gone(index: number, state: JobState = {}): this {
    return this.#write("Job", `js-a-${index}`, this.#jobObject(index, state), "delete");
  }

  jobSetGone(): this {
    return this.#write("JobSet", "js", { metadata: { name: "js", namespace: "ns", uid: "u1" }, spec: {} }, "delete");
  }

  #jobObject(index: number, state: JobState): JsonObject {
    const { attempt = 0, uid = `j${index}.${attempt}`, conditions = [] } = state;
    const labels = { [`${KEY}restart-attempt`]: String(attempt), [`${KEY}replicatedjob-name`]: "a" };
    return {
      metadata: {
        name: `js-a-${index}`,
        namespace: "ns",
        uid,
        labels,
        ownerReferences: [{
          apiVersion: "jobset.x-k8s.io/v1alpha2",
          kind: "JobSet",
          name: "js",
          uid: "u1",
          controller: true,
        }],
        ...(state.isDeleting === true ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {}),
      },
      spec: { suspend: state.isSuspended === true, parallelism: 1 },
      status: { conditions: conditions.map((type) => ({ type, status: "True" })) },
    };
  }

  #write(kind: Frame["kind"], name: string, object: JsonObject, as?: "delete"): this {
    const verb = as ?? (this.#there.has(`${kind} ${name}`) ? "update" : "create");
    if (verb === "delete") this.#there.delete(`${kind} ${name}`);
    else this.#there.add(`${kind} ${name}`);
    const frame = {
      kind,
      verb,
      namespace: "ns",
      name,
      object,
      revision: this.frames.length + 1,
      atMs: this.nowMs,
    } as const;
    this.frames.push(frame);
    this.#listen(frame);
    return this;
  }
}

export const terminal = (state: "Completed" | "Failed", restarts = 0): JsonObject => ({
  restarts,
  terminalState: state,
  conditions: [{ type: state, status: "True", lastTransitionTime: "2030-01-01T00:00:00Z" }],
});
