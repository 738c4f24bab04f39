/** The life of each Pod of a record. Pure. */
import { readConditions, trueCondition } from "../../src/api/conditions.ts";
import { asArray, asInteger, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import type { Frame } from "./recorder.ts";

/** From one start of the Pod's main container to its end. */
export interface ContainerRun {
  readonly fromMs: number;
  /** When it was first seen ready, if ever. */
  readonly readyMs: number | undefined;
  /** undefined: it still runs. */
  readonly toMs: number | undefined;
  /** undefined while it runs, and where its end was not seen. */
  readonly exitCode: number | undefined;
}

export interface PodLife {
  readonly uid: string;
  readonly name: string;
  readonly job: string;
  readonly jobUid: string;
  readonly index: number;
  /** Of the whole JobSet. */
  readonly attempt: number;
  readonly createdMs: number;
  readonly node: string | undefined;
  readonly scheduledMs: number | undefined;
  readonly runs: readonly ContainerRun[];
  /** When its deletion was asked for. */
  readonly deletedMs: number | undefined;
  readonly goneMs: number | undefined;
}

type Draft = { -readonly [K in keyof PodLife]: PodLife[K] };

/** In the order of their creation. */
export function podLives(frames: readonly Frame[]): readonly PodLife[] {
  const lives = new Map<string, Draft>();
  for (const { kind, type, object, atMs } of frames) {
    if (kind !== "Pod") continue;
    const uid = asString(at(object, "metadata", "uid")) ?? "";
    const life = lives.get(uid) ?? born(object, uid, atMs);
    lives.set(uid, life);
    update(life, object, atMs);
    if (type === "DELETED") {
      life.goneMs = atMs;
      life.runs = life.runs.map((run) => run.toMs === undefined ? { ...run, toMs: atMs } : run);
    }
  }
  return [...lives.values()];
}

function born(pod: JsonObject, uid: string, atMs: number): Draft {
  const labels = asStringMap(at(pod, "metadata", "labels"));
  return {
    uid,
    name: asString(at(pod, "metadata", "name")) ?? "",
    job: labels["batch.kubernetes.io/job-name"] ?? "",
    jobUid: labels["batch.kubernetes.io/controller-uid"] ?? "",
    index: Number(labels["batch.kubernetes.io/job-completion-index"] ?? "0"),
    attempt: Number(labels["jobset.sigs.k8s.io/restart-attempt"] ?? "0"),
    createdMs: atMs,
    node: undefined,
    scheduledMs: undefined,
    runs: [],
    deletedMs: undefined,
    goneMs: undefined,
  };
}

function update(life: Draft, pod: JsonObject, atMs: number): void {
  const node = asString(at(pod, "spec", "nodeName"));
  if (node !== undefined && node !== "") {
    life.node ??= node;
    life.scheduledMs ??= atMs;
  }
  if (at(pod, "metadata", "deletionTimestamp") !== undefined) life.deletedMs ??= atMs;
  const status = asArray(at(pod, "status", "containerStatuses"))[0];
  const isReady = trueCondition(readConditions(at(pod, "status", "conditions")), "Ready") !== undefined;
  const isStarted = at(status, "state", "running") !== undefined || at(status, "state", "terminated") !== undefined;
  // One that waits for its next start may have that start in its count already.
  const started = isStarted ? (asInteger(at(status, "restartCount")) ?? 0) + 1 : 0;
  const runs = [...life.runs];
  // A start that fell between two frames is seen by its count.
  while (runs.length < started) {
    closeLast(runs, atMs, undefined);
    runs.push({ fromMs: atMs, readyMs: undefined, toMs: undefined, exitCode: undefined });
  }
  const last = runs.at(-1);
  if (last !== undefined && last.toMs === undefined) {
    const isRunning = at(status, "state", "running") !== undefined;
    if (!isRunning) closeLast(runs, atMs, exitCode(status));
    else if (isReady && last.readyMs === undefined) runs[runs.length - 1] = { ...last, readyMs: atMs };
  }
  life.runs = runs;
}

function exitCode(status: unknown): number | undefined {
  return asInteger(at(status, "state", "terminated", "exitCode")) ??
    asInteger(at(status, "lastState", "terminated", "exitCode"));
}

function closeLast(runs: ContainerRun[], atMs: number, exitCode: number | undefined): void {
  const last = runs.at(-1);
  if (last === undefined || last.toMs !== undefined) return;
  runs[runs.length - 1] = { ...last, toMs: atMs, exitCode };
}
