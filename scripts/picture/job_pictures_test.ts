/** From the frames of Jobs, JobSets and Events to rows and moments. */
import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/base/json.ts";
import { jobLives } from "./job_life.ts";
import type { PodLife } from "./pod_life.ts";
import { policyMoments } from "./policy_moments.ts";
import { jobRows, podRows } from "./rows.ts";
import { frame } from "./test_frames.ts";

function job(uid: string, attempt: string, more: JsonObject = {}, status: JsonObject = {}): JsonObject {
  const labels = { "jobset.sigs.k8s.io/restart-attempt": attempt };
  return { metadata: { uid, name: "train-w-0", labels, ...more }, spec: { parallelism: 2 }, status };
}

function podOf(jobUid: string, readyMs: number): PodLife {
  const run = { fromMs: readyMs - 10, readyMs, toMs: undefined, exitCode: undefined };
  const names = { uid: `${jobUid}-${readyMs}`, name: "p", job: "train-w-0", jobUid, index: 0, attempt: 0 };
  const times = { createdMs: 0, scheduledMs: readyMs - 20, deletedMs: undefined, goneMs: undefined };
  return { ...names, ...times, node: "n", runs: [run] };
}

const FAILED = { conditions: [{ type: "FailureTarget", status: "True" }] };

test("a row has the runs of all Jobs of one name, ready from the last of its Pods on", () => {
  const frames = [
    frame(0, "Job", job("a", "0"), "ADDED"),
    frame(500, "Job", job("a", "0", {}, FAILED)),
    frame(550, "Job", job("a", "0", { deletionTimestamp: "x" }, FAILED)),
    frame(600, "Job", job("a", "0", { deletionTimestamp: "x" }, FAILED), "DELETED"),
    frame(610, "Job", job("b", "1"), "ADDED"),
  ];
  const lives = jobLives(frames, [podOf("a", 100), podOf("a", 200), podOf("b", 700)]);
  expect(jobRows(lives, 1000)).toEqual([{
    label: "train-w-0",
    bars: [
      { fromMs: 0, toMs: 200, tone: "starting" },
      { fromMs: 200, toMs: 500, tone: "running", text: "attempt 0" },
      { fromMs: 500, toMs: 600, tone: "ending" },
      { fromMs: 610, toMs: 1000, tone: "starting" },
    ],
    marks: [{ atMs: 500, kind: "failure" }],
  }]);
});

test("rows of Pods show waiting, starting, running and ending, and where a container failed", () => {
  const life: PodLife = {
    ...podOf("a", 100),
    createdMs: 10,
    runs: [
      { fromMs: 90, readyMs: 100, toMs: 300, exitCode: 3 },
      { fromMs: 350, readyMs: undefined, toMs: undefined, exitCode: undefined },
    ],
    deletedMs: 500,
    goneMs: 600,
  };
  const rows = podRows([life], { label: ({ job }) => job, tone: () => "second", text: () => "zone-b", endMs: 1000 });
  expect(rows[0]?.bars).toEqual([
    { fromMs: 10, toMs: 80, tone: "waiting" },
    { fromMs: 80, toMs: 100, tone: "starting" },
    { fromMs: 100, toMs: 300, tone: "second", text: "zone-b" },
    { fromMs: 300, toMs: 500, tone: "starting" },
    { fromMs: 500, toMs: 600, tone: "ending" },
  ]);
  expect(rows[0]?.marks).toEqual([{ atMs: 300, kind: "failure" }]);
});

test("a moment tells the action and the counts of the JobSet at that time, each Event once", () => {
  const jobSet = (status: JsonObject) => ({
    metadata: { name: "train" },
    spec: { failurePolicy: { maxRestarts: 3 } },
    status,
  });
  const event = (reason: string, uid: string) => ({
    reason: `${reason}FailurePolicyAction`,
    metadata: { uid },
    regarding: { kind: "JobSet", name: "train" },
  });
  const ofJobs = [{ jobRestartsCountTowardsMax: [1, 0] }];
  expect(policyMoments([
    frame(1, "JobSet", jobSet({ restarts: 1, restartsCountTowardsMax: 0 })),
    frame(2, "Event", event("RestartJobSetAndIgnoreMaxRestarts", "a"), "ADDED"),
    frame(3, "Event", event("RestartJobSetAndIgnoreMaxRestarts", "a")),
    frame(4, "JobSet", jobSet({ restarts: 2, restartsCountTowardsMax: 1, replicatedJobsStatus: ofJobs })),
    frame(5, "Event", event("RestartJobSet", "b"), "ADDED"),
    frame(6, "JobSet", jobSet({ restarts: 2, terminalState: "Failed" })),
    frame(7, "Event", event("FailJobSet", "c"), "ADDED"),
  ])).toEqual([
    { atMs: 2, text: "RestartJobSetAndIgnoreMaxRestarts: restarts 1, 0 of 3 counted" },
    { atMs: 5, text: "RestartJobSet: restarts 2, 2 of 3 counted" },
    { atMs: 7, text: "FailJobSet: the JobSet fails" },
  ]);
});
