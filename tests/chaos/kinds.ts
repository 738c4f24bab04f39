/** The kinds of plays whose Pods live as their fates say, and whose users only watch. */
import { group, jobSet } from "../e2e/job_sets.ts";
import type { Draw, Kind } from "./play.ts";

const ms = (value: number) => `${value}ms`;

/** How long the Pods of a play run. */
function lasting(draw: Draw): string {
  return ms(draw.between(100, 3_000));
}

function strategy(draw: Draw): string {
  return draw.of("Recreate", "BlockingRecreate");
}

const completes: Kind = (name, draw) => {
  const groups = ["a", "b"].slice(draw.between(0, 1)).map((each) =>
    group(each, { replicas: draw.between(1, 4), fate: { "succeed-after": lasting(draw) } })
  );
  return { object: jobSet(name, groups), goal: { end: "Completed", restarts: 0 } };
};

const restarts: Kind = (name, draw) => {
  const times = draw.between(1, 3);
  const replicas = draw.between(2, 5);
  const fate = {
    "fail-after": ms(draw.between(100, 1_500)),
    "fail-on-restart-attempt": Array.from({ length: times }, (_, attempt) => attempt).join(),
    "fail-job-index": draw.chance(0.5) ? "0" : Array.from({ length: replicas }, (_, index) => index).join(),
    "succeed-after": lasting(draw),
    "stop-after": ms(draw.between(0, 800)),
  };
  const failurePolicy = { maxRestarts: times + draw.between(0, 2), restartStrategy: strategy(draw) };
  const object = jobSet(name, [group("a", { replicas, fate })], { failurePolicy });
  // A Job of index 0 that fails at last, when all others have succeeded, still restarts all.
  return { object, goal: { end: "Completed", restarts: times } };
};

const failsForGood: Kind = (name, draw) => {
  const maxRestarts = draw.between(0, 2);
  const fate = { "fail-after": lasting(draw), "exit-code": "3" };
  const failurePolicy = { maxRestarts, restartStrategy: strategy(draw) };
  const groups = [group("a", { replicas: draw.between(1, 4), fate }), group("b", { replicas: draw.between(1, 3) })];
  return { object: jobSet(name, groups, { failurePolicy }), goal: { end: "Failed", restarts: maxRestarts } };
};

/** The first rule that matches decides: failures of `b` end it, those of `a` restart it without counting. */
const rules: Kind = (name, draw) => {
  const isFatal = draw.chance(0.5);
  const fails = { "fail-after": ms(draw.between(200, 1_000)), "fail-on-restart-attempt": "0" };
  const succeeds = { "succeed-after": lasting(draw) };
  const failurePolicy = {
    maxRestarts: 0,
    restartStrategy: strategy(draw),
    rules: [
      { name: "fatal", action: "FailJobSet", targetReplicatedJobs: ["b"] },
      { name: "again", action: "RestartJobSetAndIgnoreMaxRestarts", targetReplicatedJobs: ["a"] },
    ],
  };
  const groups = [
    group("a", { replicas: draw.between(1, 3), fate: isFatal ? {} : { ...fails, ...succeeds } }),
    group("b", { replicas: draw.between(1, 3), fate: isFatal ? fails : succeeds }),
  ];
  const object = jobSet(name, groups, { failurePolicy });
  return { object, goal: isFatal ? { end: "Failed", restarts: 0 } : { end: "Completed", restarts: 1 } };
};

const successOfOne: Kind = (name, draw) => {
  const groups = [
    group("driver", { fate: { "succeed-after": lasting(draw) } }),
    group("worker", { replicas: draw.between(1, 5), fate: { "stop-after": ms(draw.between(0, 800)) } }),
  ];
  const successPolicy = { operator: "Any", targetReplicatedJobs: ["driver"] };
  return { object: jobSet(name, groups, { successPolicy }), goal: { end: "Completed", restarts: 0 } };
};

const dependsOn: Kind = (name, draw) => {
  const status = draw.of("Ready", "Complete");
  const fate = () => ({ "ready-after": ms(draw.between(0, 500)), "succeed-after": ms(draw.between(600, 2_000)) });
  const groups = [
    group("a", { replicas: draw.between(1, 3), fate: fate() }),
    group("b", { replicas: draw.between(1, 3), fate: fate(), dependsOn: [{ name: "a", status }] }),
  ];
  return { object: jobSet(name, groups), goal: { end: "Completed", restarts: 0 } };
};

const inOrder: Kind = (name, draw) => {
  const fate = () => ({ "ready-after": ms(draw.between(0, 500)), "succeed-after": ms(draw.between(600, 2_000)) });
  const groups = ["a", "b", "c"].map((each) => group(each, { replicas: draw.between(1, 3), fate: fate() }));
  const startupPolicy = { startupPolicyOrder: "InOrder" };
  return { object: jobSet(name, groups, { startupPolicy }), goal: { end: "Completed", restarts: 0 } };
};

const goesByItself: Kind = (name, draw) => {
  const isFailing = draw.chance(0.3);
  const fate = isFailing ? { "fail-after": lasting(draw) } : { "succeed-after": lasting(draw) };
  const groups = [group("a", { replicas: draw.between(1, 4), fate })];
  return { object: jobSet(name, groups, { ttlSecondsAfterFinished: draw.between(0, 3) }), goal: { end: "Gone" } };
};

/** `act` must not be asked for: nobody but its own controller may touch it. */
const foreign: Kind = (name, draw) => {
  const groups = [group("a", { replicas: draw.between(1, 4) })];
  return { object: jobSet(name, groups, { managedBy: "example.com/another" }), goal: { end: "Foreign" } };
};

export const WATCHED_KINDS: Readonly<Record<string, Kind>> = {
  completes,
  restarts,
  "fails-for-good": failsForGood,
  rules,
  "success-of-one": successOfOne,
  "depends-on": dependsOn,
  "in-order": inOrder,
  "goes-by-itself": goesByItself,
  foreign,
};
