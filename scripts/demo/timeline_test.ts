import { expect, test } from "bun:test";
import { condition, job, jobSet } from "./test_objects.ts";
import { advance, type Timeline, timelineLines } from "./timeline.ts";
import type { JobSetView, JobView } from "./views.ts";

const FAILED = { conditions: [condition("FailureTarget", "True", "BackoffLimitExceeded")] };
const READY = { ready: 2 };

type Look = readonly [now: number, jobSet: JobSetView, jobs: readonly JobView[]];

function after(looks: readonly Look[]): Timeline {
  return looks.reduce<Timeline>((timeline, [now, seen, jobs]) => advance(timeline, { jobSet: seen, jobs, now }), []);
}

function workers(attempt: number, status = {}): readonly JobView[] {
  return [0, 1].map((index) => job({ group: "workers", index, attempt, status }));
}

const restarted = jobSet({ restarts: 1 });
const failure: Look = [1000, jobSet(), [job({ group: "driver", status: FAILED }), ...workers(0)]];
const driverIsBack = job({ group: "driver", attempt: 1, status: READY });

test("a restart's moments count from the failure that was seen first", () => {
  const timeline = after([
    [0, jobSet(), workers(0)],
    failure,
    [1010, jobSet(), [...workers(0, FAILED)]],
    [1020, restarted, workers(0)],
    [1200, restarted, [driverIsBack, ...workers(0)]],
    [1500, restarted, [driverIsBack, ...workers(1)]],
    [1900, restarted, [driverIsBack, ...workers(1, READY)]],
    [8000, restarted, [driverIsBack, ...workers(1)]],
    [9000, restarted, [driverIsBack, ...workers(1, READY)]],
  ]);
  expect(timelineLines(timeline)).toEqual([
    "Restart 1, from the moment that the failure of Job run-driver-0 was seen:",
    "   +0.02 s  restart counted in the JobSet's status",
    "   +0.20 s  first Job recreated",
    "   +0.50 s  all Jobs recreated (replicatedJob workers waits for driver to be Ready)",
    "   +0.90 s  all Jobs ready",
  ]);
});

test("a restart is not told where the failure led to none", () => {
  const failed = jobSet({ terminalState: "Failed" });
  expect(timelineLines(after([failure, [1020, failed, workers(0, FAILED)]]))).toEqual([]);
});

test("a moment that never came is not told", () => {
  const lines = timelineLines(after([failure, [1020, restarted, workers(0)]]));
  expect(lines).toHaveLength(2);
});

test("each restart has its own moments", () => {
  const timeline = after([
    failure,
    [1020, restarted, workers(1, READY)],
    [3000, restarted, workers(1, FAILED)],
    [3070, jobSet({ restarts: 2 }), workers(1)],
  ]);
  expect(timeline.map(({ number, cause, counted }) => ({ number, cause, counted }))).toEqual([
    { number: 1, cause: "run-driver-0", counted: 1020 },
    { number: 2, cause: "run-workers-0", counted: 3070 },
  ]);
});
