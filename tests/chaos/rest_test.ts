import { expect, test } from "bun:test";
import { Judge } from "./judge.ts";
import { type Goal, restProblems } from "./rest.ts";
import { Story, terminal } from "./test_frames.ts";

const NOW = Date.parse("2030-01-01T00:00:10Z");

function problemsOf(goal: Goal, tell: (story: Story) => void): readonly string[] {
  const judge = new Judge({ report: () => {}, isDeletedByHand: () => true, lateMs: 0, deafMs: () => 0 });
  tell(new Story((frame) => judge.onFrame(frame)));
  return restProblems(judge.find("ns", "js"), goal, NOW).map((problem) => problem.replace(/: restarts .*/, ""));
}

const counters = (values: object) => {
  const none = { ready: 0, active: 0, suspended: 0, succeeded: 0, failed: 0 };
  return { restarts: 0, replicatedJobsStatus: [{ name: "a", ...none, ...values }] };
};
const running: Goal = { end: "Running", restarts: 0 };

test("two Jobs that run are what two replicas ask for", () => {
  expect(problemsOf(running, (story) => story.jobSet({}, counters({})).job(0).job(1))).toEqual([]);
});

test("a missing Job, one too old, and one that is still going are told", () => {
  expect(problemsOf(running, (story) => story.jobSet({}, counters({})).job(0))).toEqual(["it has 1 Jobs of 2"]);
  const old = (story: Story) => story.jobSet({}, { ...counters({}), restarts: 1 }).job(0).job(1, { attempt: 1 });
  expect(problemsOf({ end: "Running" }, old)).toEqual(["1 Jobs of another attempt are left", "it has 1 Jobs of 2"]);
  const going = (story: Story) => story.jobSet({}, counters({})).job(0).job(1, { isDeleting: true });
  expect(problemsOf(running, going)).toEqual(["a Job is being deleted"]);
});

test("a failed Job that nothing came of is told", () => {
  const tell = (story: Story) => story.jobSet({}, counters({ failed: 1 })).job(0).job(1, { conditions: ["Failed"] });
  expect(problemsOf(running, tell)).toEqual(["a failed Job was not acted on"]);
});

test("a counter that is not true is told", () => {
  const tell = (story: Story) => story.jobSet({}, counters({ succeeded: 1 })).job(0).job(1);
  expect(problemsOf(running, tell)).toEqual(["a: succeeded is 1, not 0"]);
});

test("another number of restarts is told", () => {
  const tell = (story: Story) => story.jobSet({}, counters({})).job(0).job(1);
  expect(problemsOf({ end: "Running", restarts: 1 }, tell)).toEqual(["it restarted 0 times, not 1"]);
});

test("an end that did not come, and Jobs that run on after it, are told", () => {
  const goal: Goal = { end: "Completed" };
  expect(problemsOf(goal, (story) => story.jobSet({}, counters({})).job(0).job(1))).toEqual(["it is not Completed"]);
  const runsOn = (story: Story) => story.jobSet({}, { ...counters({}), ...terminal("Completed") }).job(0);
  expect(problemsOf(goal, runsOn)).toEqual(["1 Jobs run on after its end"]);
});

test("what is suspended has suspended Jobs and says so", () => {
  const conditions = [{ type: "Suspended", status: "True" }];
  const tell = (isSuspended: boolean) => (story: Story) =>
    story.jobSet({ suspend: true }, { ...counters({ suspended: isSuspended ? 2 : 0 }), conditions })
      .job(0, { isSuspended }).job(1, { isSuspended });
  expect(problemsOf({ end: "Suspended" }, tell(true))).toEqual([]);
  expect(problemsOf({ end: "Suspended" }, tell(false))).toEqual(["a Job's suspend differs"]);
});

test("what must be gone may stay only until its time has come", () => {
  const stays = (ttl: number | undefined) =>
    problemsOf(
      { end: "Gone" },
      (story) => story.jobSet(ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl }, terminal("Completed")),
    );
  expect(stays(60)).toEqual([]);
  expect(stays(5)).toEqual(["it is not gone"]);
  expect(stays(undefined)).toEqual(["it is not gone"]);
});
