/** The kubelets of the cluster: Pods with a Node run, become ready, meet their fate, and stop when they are deleted. */
import { asInteger, asString, type JsonObject } from "../../../src/base/json.ts";
import type { ActorWorld, ObjectKey, Write } from "../types.ts";
import { between, chance, lag } from "./chance.ts";
import { readFate, readStartMs, readStopMs } from "./fate.ts";
import { isDeleting, keyOf, metadataOf, specOf, statusOf, timestamp, uidOf } from "./objects.ts";
import { tryTo } from "./try_to.ts";

/** How often what is told to stop ends well, as a program that heeds its signal does. */
const ENDS_WELL = 0.1;
/** How often a Pod that is gone was never seen ended before. */
const GONE_AT_ONCE = 0.4;
const TERMINATED_BY_SIGNAL = 143;

interface PodRun {
  readonly key: ObjectKey;
  isStopping: boolean;
}

export class Kubelet {
  readonly #world: ActorWorld;
  readonly #runs = new Map<string, PodRun>();

  constructor(world: ActorWorld) {
    this.#world = world;
    world.server.onWrite((write) => {
      if (write.resource === "pods") this.#hear(write);
    });
  }

  #hear({ before, after }: Write): void {
    if (after === undefined) {
      if (before !== undefined) this.#runs.delete(uidOf(before));
      return;
    }
    if (specOf(after)["nodeName"] === undefined) return;
    const uid = uidOf(after);
    let run = this.#runs.get(uid);
    if (run === undefined) {
      run = { key: keyOf(after), isStopping: false };
      this.#runs.set(uid, run);
      if (!isDeleting(after)) this.#world.after(lag(this.#world.random), "start pod", () => this.#start(uid));
    }
    if (isDeleting(after) && !run.isStopping) {
      run.isStopping = true;
      this.#world.after(this.#stopMs(after), "stop pod", () => this.#stop(uid));
    }
  }

  #start(uid: string): void {
    const pod = this.#find(uid);
    if (pod === undefined || isDeleting(pod)) return;
    const startMs = readStartMs(pod);
    const isReady = startMs === 0;
    this.#writeStatus(pod, {
      phase: "Running",
      startTime: timestamp(this.#world.now()),
      conditions: this.#conditions(isReady),
    });
    if (startMs !== undefined && !isReady) this.#world.after(startMs, "pod ready", () => this.#becomeReady(uid));
    const fate = readFate(pod);
    if (fate.kind === "run") return;
    const exitCode = fate.kind === "fail" ? fate.exitCode : 0;
    const spreadMs = between(this.#world.random, 0, Math.floor(fate.afterMs / 8));
    this.#world.after(fate.afterMs + spreadMs, fate.kind === "fail" ? "pod fails" : "pod succeeds", () => {
      const now = this.#find(uid);
      if (now !== undefined) this.#end(now, exitCode);
    });
  }

  #becomeReady(uid: string): void {
    const pod = this.#find(uid);
    if (pod === undefined || isDeleting(pod)) return;
    this.#writeStatus(pod, { ...statusOf(pod), conditions: this.#conditions(true) });
  }

  #stop(uid: string): void {
    const pod = this.#find(uid, "ended too");
    if (pod === undefined) return;
    const { random } = this.#world;
    if (!isEnded(pod) && !chance(random, GONE_AT_ONCE)) {
      this.#end(pod, chance(random, ENDS_WELL) ? 0 : TERMINATED_BY_SIGNAL);
      this.#world.after(between(random, 1, 10), "pod gone", () => this.#remove(uid));
    } else this.#remove(uid);
  }

  #remove(uid: string): void {
    const run = this.#runs.get(uid);
    if (run !== undefined) tryTo(() => this.#world.server.remove("kubelet", "pods", run.key, { uid, graceSeconds: 0 }));
  }

  #end(pod: JsonObject, exitCode: number): void {
    this.#writeStatus(pod, {
      ...statusOf(pod),
      phase: exitCode === 0 ? "Succeeded" : "Failed",
      conditions: this.#conditions(false),
      containerStatuses: [{ name: "main", ready: false, state: { terminated: { exitCode } } }],
    });
  }

  #writeStatus(pod: JsonObject, status: JsonObject): void {
    tryTo(() => this.#world.server.update("kubelet", "pods", { ...pod, status }, "status"));
  }

  #conditions(isReady: boolean): readonly JsonObject[] {
    return [{
      type: "Ready",
      status: isReady ? "True" : "False",
      lastTransitionTime: timestamp(this.#world.now()),
    }];
  }

  /** The Pod of this uid, unless it has ended. */
  #find(uid: string, which: "not ended" | "ended too" = "not ended"): JsonObject | undefined {
    const run = this.#runs.get(uid);
    const pod = run === undefined ? undefined : this.#world.server.get("pods", run.key);
    if (pod === undefined || uidOf(pod) !== uid) return undefined;
    return which === "not ended" && isEnded(pod) ? undefined : pod;
  }

  #stopMs(pod: JsonObject): number {
    const graceMs = (asInteger(metadataOf(pod)["deletionGracePeriodSeconds"]) ?? 30) * 1000;
    return Math.min(graceMs, readStopMs(pod)) + between(this.#world.random, 1, 30);
  }
}

function isEnded(pod: JsonObject): boolean {
  const phase = asString(statusOf(pod)["phase"]);
  return phase === "Succeeded" || phase === "Failed";
}
