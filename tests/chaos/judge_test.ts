import { expect, test } from "bun:test";
import { Judge, type Violation } from "./judge.ts";
import { Story, terminal } from "./test_frames.ts";

function judged(
  byHand: readonly string[] = [],
  deafMs = 0,
): { readonly story: Story; readonly judge: Judge; found(): readonly string[] } {
  const violations: Violation[] = [];
  const judge = new Judge({
    report: (violation) => violations.push(violation),
    isDeletedByHand: (uid) => byHand.includes(uid),
    lateMs: 1_000,
    deafMs: () => deafMs,
  });
  const story = new Story((frame) => judge.onFrame(frame));
  return { story, judge, found: () => violations.map(({ invariant }) => invariant) };
}

const restarted = (restarts: number, counted = restarts) => ({ restarts, restartsCountTowardsMax: counted });
const policy = { failurePolicy: { maxRestarts: 2 } };

test("a restart as it should be is no violation", () => {
  const { story, judge, found } = judged();
  story.jobSet(policy).job(0).job(1).job(0, { conditions: ["Failed"] }).jobSet(policy, restarted(1))
    .job(0, { isDeleting: true }).gone(0).job(0, { attempt: 1 }).job(1, { isDeleting: true }).gone(1).job(1, {
      attempt: 1,
    });
  expect(found()).toEqual([]);
  expect(judge.tally).toMatchObject({ jobSets: 1, jobs: 4, restarts: 1 });
});

test("a restart counted without a failed Job of that attempt is found", () => {
  const { story, found } = judged();
  story.jobSet(policy).job(0, { conditions: ["Failed"] }).jobSet(policy, restarted(1)).jobSet(policy, restarted(2));
  expect(found()).toEqual(["restarts are counted once"]);
});

test("a restart counted twice at once is found", () => {
  const { story, found } = judged();
  story.jobSet(policy).job(0, { conditions: ["Failed"] }).jobSet(policy, restarted(2));
  expect(new Set(found())).toEqual(new Set(["restarts are counted once"]));
});

test("more restarts than allowed are found", () => {
  const { story, found } = judged();
  story.jobSet().job(0, { conditions: ["Failed"] }).jobSet({}, restarted(1));
  expect(found()).toEqual(["restarts end at maxRestarts"]);
});

test("a change of a terminal state is found", () => {
  const { story, found } = judged();
  story.jobSet().jobSet({}, terminal("Completed")).jobSet({}, terminal("Failed"));
  expect(found()).toEqual(["a terminal state is final"]);
});

test("a Job made after the terminal state is found, unless it may have been on its way", () => {
  const { story, judge, found } = judged();
  story.jobSet().jobSet({}, terminal("Failed")).wait(900).job(0);
  expect(found()).toEqual([]);
  expect(judge.tally.late).toBe(1);
  story.wait(200).job(1);
  expect(found()).toEqual(["no Job is made after the terminal state"]);
});

test("a Job made by a controller that may not have heard of the end is counted apart", () => {
  const { story, judge, found } = judged([], 10_000);
  story.jobSet().jobSet({}, terminal("Failed")).wait(10_900).job(0);
  expect(found()).toEqual([]);
  expect(judge.tally).toMatchObject({ late: 0, deaf: 1 });
  story.wait(200).job(1);
  expect(found()).toEqual(["no Job is made after the terminal state"]);
});

test("a Job made once its JobSet is gone is found, and left without it", () => {
  const { story, judge, found } = judged();
  story.jobSet().jobSetGone().wait(2_000).job(0);
  expect(found()).toEqual(["no Job is made once its JobSet is deleted"]);
  expect(judge.orphans.map(({ name }) => name)).toEqual(["js-a-0"]);
});

test("a Job made while its JobSet is being deleted is found", () => {
  const { story, found } = judged();
  story.jobSet().jobSet({}, {}, { deletionTimestamp: "2030-01-01T00:00:00Z" }).wait(2_000).job(0);
  expect(found()).toEqual(["no Job is made once its JobSet is deleted"]);
});

test("a Job made twice in an attempt is found, unless the first was deleted by hand", () => {
  const { story, found } = judged(["first"]);
  story.jobSet().job(0, { uid: "first" }).gone(0, { uid: "first" }).job(0, { uid: "second" });
  expect(found()).toEqual([]);
  story.jobSet(policy, terminal("Completed")).gone(0, { uid: "second" }).job(0, { uid: "third" });
  expect(found()).toEqual(["each Job of an attempt is made once"]);
});

test("a deleted Job of the current attempt is found", () => {
  const { story, found } = judged();
  story.jobSet().job(0).job(0, { isDeleting: true });
  expect(found()).toEqual(["no Job of the current attempt is deleted"]);
});

test("Jobs of a JobSet that goes may go", () => {
  const { story, found } = judged();
  story.jobSet().job(0).job(1).jobSetGone().gone(0).job(1, { isDeleting: true }).gone(1);
  expect(found()).toEqual([]);
});

test("a Job of the next attempt before its restart was counted is found", () => {
  const { story, found } = judged();
  story.jobSet().job(0, { attempt: 1 });
  expect(found()).toEqual(["no Job is ahead of the count of restarts"]);
});

test("a Job made of an attempt that is over is found", () => {
  const { story, found } = judged();
  story.jobSet(policy).job(0, { conditions: ["FailureTarget"] }).jobSet(policy, restarted(1)).wait(2_000).job(1);
  expect(found()).toEqual(["no Job is made of an attempt that is over"]);
});

test("a new Job beside an old one is found under BlockingRecreate only", () => {
  for (const [restartStrategy, violations] of [["Recreate", 0], ["BlockingRecreate", 1]] as const) {
    const { story, found } = judged();
    const spec = { failurePolicy: { maxRestarts: 2, restartStrategy } };
    story.jobSet(spec).job(0).job(1, { conditions: ["Failed"] }).jobSet(spec, restarted(1)).gone(1).job(1, {
      attempt: 1,
    });
    expect(found()).toEqual(Array(violations).fill("BlockingRecreate: no new Job beside an old one"));
  }
});

test("Suspended True while a Job is not suspended is found", () => {
  const { story, found } = judged();
  const status = { conditions: [{ type: "Suspended", status: "True" }] };
  story.jobSet().job(0).job(1).jobSet({ suspend: true }).job(0, { isSuspended: true }).wait(2_000)
    .jobSet({ suspend: true }, status);
  expect(found()).toEqual(["Suspended is True once every Job is suspended"]);
});

test("a foreign JobSet that is touched is found", () => {
  const { story, found } = judged();
  story.jobSet({ managedBy: "example.com/other" }).job(0);
  expect(found()).toEqual(["a foreign JobSet is touched"]);
});
