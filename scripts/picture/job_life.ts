/** The life of each Job of a record. Pure. */
import { readConditions, trueCondition } from "../../src/api/conditions.ts";
import { asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import type { PodLife } from "./pod_life.ts";
import type { Frame } from "./recorder.ts";

export interface JobLife {
  readonly uid: string;
  readonly name: string;
  /** Of the whole JobSet, and of this Job alone (gate RestartJob). */
  readonly attempt: number;
  readonly jobAttempt: number;
  readonly createdMs: number;
  /** When all of its Pods had become ready. */
  readonly readyMs: number | undefined;
  readonly failedMs: number | undefined;
  readonly completedMs: number | undefined;
  readonly deletedMs: number | undefined;
  readonly goneMs: number | undefined;
}

type Draft = { -readonly [K in keyof JobLife]: JobLife[K] } & { pods: number };

/** In the order of their creation. */
export function jobLives(frames: readonly Frame[], pods: readonly PodLife[]): readonly JobLife[] {
  const lives = new Map<string, Draft>();
  for (const { kind, type, object, atMs } of frames) {
    if (kind !== "Job") continue;
    const uid = asString(at(object, "metadata", "uid")) ?? "";
    const life = lives.get(uid) ?? born(object, uid, atMs);
    lives.set(uid, life);
    const conditions = readConditions(at(object, "status", "conditions"));
    const has = (condition: string) => trueCondition(conditions, condition) !== undefined;
    if (has("FailureTarget") || has("Failed")) life.failedMs ??= atMs;
    if (has("Complete")) life.completedMs ??= atMs;
    if (at(object, "metadata", "deletionTimestamp") !== undefined) life.deletedMs ??= atMs;
    if (type === "DELETED") life.goneMs = atMs;
  }
  return [...lives.values()].map(({ pods: count, ...life }) => ({ ...life, readyMs: readyMs(life.uid, count, pods) }));
}

function born(job: JsonObject, uid: string, atMs: number): Draft {
  const labels = asStringMap(at(job, "metadata", "labels"));
  return {
    uid,
    name: asString(at(job, "metadata", "name")) ?? "",
    attempt: Number(labels["jobset.sigs.k8s.io/restart-attempt"] ?? "0"),
    jobAttempt: Number(labels["jobset.sigs.k8s.io/job-restart-attempt"] ?? "0"),
    createdMs: atMs,
    readyMs: undefined,
    failedMs: undefined,
    completedMs: undefined,
    deletedMs: undefined,
    goneMs: undefined,
    pods: Number(at(job, "spec", "parallelism") ?? 1),
  };
}

function readyMs(uid: string, count: number, pods: readonly PodLife[]): number | undefined {
  const ready = pods.filter(({ jobUid }) => jobUid === uid)
    .flatMap(({ runs }) => runs[0]?.readyMs === undefined ? [] : [runs[0].readyMs]);
  return ready.length < count ? undefined : Math.max(...ready);
}
