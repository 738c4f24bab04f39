import { expect, test } from "bun:test";
import { SimulationJudges } from "./simulation_judges.ts";
import { Story, terminal } from "./test_frames.ts";

function judged(byHand: readonly string[] = []): { readonly story: Story; found(): readonly string[] } {
  const found: string[] = [];
  const judges = new SimulationJudges({
    report: (invariant) => found.push(invariant),
    isDeletedByHand: (uid) => byHand.includes(uid),
    originMs: Date.UTC(2030, 0, 1),
  });
  const story = new Story((frame) => judges.onFrame(frame));
  return { story, found: () => [...new Set(found)] };
}

const policy = { failurePolicy: { maxRestarts: 2 } };

test("a JobSet whose Jobs run, and which its user deletes, is no violation", () => {
  const { story, found } = judged(["u1"]);
  story.jobSet().job(0).job(1).jobSetGone().gone(0).gone(1);
  expect(found()).toEqual([]);
});

test("a restart that no failure explains is found", () => {
  const { story, found } = judged();
  story.jobSet(policy).job(0).job(1).jobSet(policy, { restarts: 1, restartsCountTowardsMax: 1 });
  expect(found()).toContain("restarts");
});

test("a Job of the current attempt that nobody but the controller can have deleted is found", () => {
  const { story, found } = judged();
  story.jobSet().job(0).job(0, { isDeleting: true });
  expect(found()).toEqual(["deletes"]);
});

test("the same by a user is none", () => {
  const { story, found } = judged(["j0.0"]);
  story.jobSet().job(0).job(0, { isDeleting: true });
  expect(found()).toEqual([]);
});

test("an end that becomes another is found", () => {
  const { story, found } = judged();
  story.jobSet().jobSet({}, terminal("Failed")).jobSet({}, terminal("Completed"));
  expect(found()).toContain("terminal states are final");
});
