/** The kinds of plays whose users do something to them, or are the Job controller of their Jobs. */
import { byHand, group, jobSet } from "../e2e/job_sets.ts";
import { isFinishedJob, type JobFacts } from "./facts.ts";
import type { Draw, Kind } from "./play.ts";
import type { Stage } from "./stage.ts";

const ms = (value: number) => `${value}ms`;

/** The Jobs of the current attempt, in the order of their names. */
function jobsOf(stage: Stage, name: string): readonly JobFacts[] {
  const life = stage.life(name);
  const jobs = [...life?.jobs.values() ?? []];
  return jobs.filter((job) => job.attempt === life?.facts.restarts && !job.isDeleting)
    .toSorted((a, b) => a.name < b.name ? -1 : 1);
}

/** Waits for this many Jobs of an attempt. */
async function attempt(stage: Stage, name: string, restarts: number, jobs: number): Promise<readonly JobFacts[]> {
  await stage.until(() => stage.life(name)?.facts.restarts === restarts && jobsOf(stage, name).length === jobs);
  return jobsOf(stage, name);
}

/** R84: N new Jobs for each restart; several Jobs may fail at once, or while the restart is under way. */
const manyRestarts: Kind = (name, draw) => {
  const replicas = draw.between(5, 40);
  const times = draw.between(1, 4);
  const failing = Array.from({ length: times }, () => ({
    afterMs: draw.between(0, 1_500),
    first: draw.between(0, replicas - 1),
    others: draw.between(0, 2),
  }));
  const restartStrategy = draw.of("Recreate", "BlockingRecreate");
  const object = jobSet(name, [byHand("a", { replicas })], { failurePolicy: { maxRestarts: 10, restartStrategy } });
  const act = async (stage: Stage) => {
    for (const [round, { afterMs, first, others }] of failing.entries()) {
      const jobs = await attempt(stage, name, round, replicas);
      await stage.sleep(afterMs);
      const chosen = Array.from({ length: 1 + others }, (_, index) => jobs[(first + index) % replicas]);
      await Promise.all(chosen.map((job) => job === undefined ? undefined : stage.fail(job)));
    }
  };
  return { object, act, goal: { end: "Running", restarts: times, jobs: replicas } };
};

const completedByHand: Kind = (name, draw) => {
  const replicas = draw.between(2, 20);
  const pauseMs = draw.between(0, 100);
  const object = jobSet(name, [byHand("a", { replicas })]);
  const act = async (stage: Stage) => {
    for (const job of await attempt(stage, name, 0, replicas)) {
      await stage.complete(job);
      await stage.sleep(pauseMs);
    }
  };
  return { object, act, goal: { end: "Completed", restarts: 0 } };
};

/** As a queue does: suspended from the start, then on and off, and at last on, or off. */
const onAndOff: Kind = (name, draw) => {
  const endsSuspended = draw.chance(0.3);
  const replicas = draw.between(1, 5);
  const isByHand = draw.chance(0.5);
  const pauses = Array.from({ length: 2 * draw.between(0, 2) + 1 }, () => draw.between(0, 2_000));
  const fate = { "stop-after": ms(draw.between(0, 600)) };
  const made = isByHand ? byHand("a", { replicas }) : group("a", { replicas, fate });
  const object = jobSet(name, [made], { suspend: true });
  const act = async (stage: Stage) => {
    let isSuspended = true;
    for (const pauseMs of endsSuspended ? [...pauses, 0] : pauses) {
      await stage.sleep(pauseMs);
      isSuspended = !isSuspended;
      await stage.patch(name, { spec: { suspend: isSuspended } });
    }
  };
  return { object, act, goal: { end: endsSuspended ? "Suspended" : "Running", restarts: 0, jobs: replicas } };
};

/** A restart while suspended comes to nothing but the count; resumed it runs as ever. */
const failsWhileSuspended: Kind = (name, draw) => {
  const replicas = draw.between(2, 6);
  const pauses = [draw.between(0, 500), draw.between(0, 500), draw.between(500, 2_000)] as const;
  const object = jobSet(name, [byHand("a", { replicas })], { failurePolicy: { maxRestarts: 3 } });
  const act = async (stage: Stage) => {
    const [job] = await attempt(stage, name, 0, replicas);
    await stage.sleep(pauses[0]);
    const failed = job === undefined ? Promise.resolve() : stage.fail(job);
    await stage.sleep(pauses[1]);
    await stage.patch(name, { spec: { suspend: true } });
    await failed;
    await stage.sleep(pauses[2]);
    await stage.patch(name, { spec: { suspend: false } });
  };
  return { object, act, goal: { end: "Running", restarts: 1, jobs: replicas } };
};

/** Deleted in the middle of things. */
const deleted: Kind = (name, draw) => {
  const afterMs = draw.between(0, 3_000);
  const propagation = draw.of("Background", "Foreground");
  const fate = { "stop-after": ms(draw.between(0, 600)) };
  const object = jobSet(name, [group("a", { replicas: draw.between(1, 5), fate }), byHand("b", { replicas: 10 })]);
  const act = async (stage: Stage) => {
    await stage.until(() => stage.life(name) !== undefined);
    await stage.sleep(afterMs);
    await stage.remove(name, propagation);
  };
  return { object, act, goal: { end: "Gone" } };
};

/** Deleted and made again under the same name, while a restart may be under way. */
const madeAnew: Kind = (name, draw) => {
  const replicas = draw.between(2, 8);
  const rounds = Array.from({ length: draw.between(1, 3) }, () => ({
    fails: draw.chance(0.5),
    afterMs: draw.between(0, 2_000),
    propagation: draw.of("Background" as const, "Foreground" as const),
  }));
  const object = jobSet(name, [byHand("a", { replicas })], { failurePolicy: { maxRestarts: 3 } });
  const act = async (stage: Stage) => {
    for (const { fails, afterMs, propagation } of rounds) {
      await stage.until(() => stage.life(name) !== undefined);
      const [job] = fails ? await attempt(stage, name, 0, replicas) : [];
      if (job !== undefined) await stage.fail(job);
      await stage.sleep(afterMs);
      await stage.remove(name, propagation);
      await stage.create(object);
    }
  };
  return { object, act, goal: { end: "Running", restarts: 0, jobs: replicas } };
};

/** Children that are deleted by hand are made again. */
const childrenDeleted: Kind = (name, draw) => {
  const replicas = draw.between(2, 6);
  const victims = Array.from(
    { length: draw.between(1, 3) },
    () => [draw.between(0, replicas - 1), draw.between(0, 900)],
  );
  const object = jobSet(name, [byHand("a", { replicas })]);
  const act = async (stage: Stage) => {
    for (const [index = 0, pauseMs = 0] of victims) {
      const job = (await attempt(stage, name, 0, replicas))[index];
      if (job !== undefined && !isFinishedJob(job)) await stage.removeJob(job);
      await stage.removeService(name);
      await stage.sleep(pauseMs);
    }
  };
  return { object, act, goal: { end: "Running", restarts: 0, jobs: replicas } };
};

export const ACTED_KINDS: Readonly<Record<string, Kind>> = {
  "many-restarts": manyRestarts,
  "completed-by-hand": completedByHand,
  "on-and-off": onAndOff,
  "fails-while-suspended": failsWhileSuspended,
  deleted,
  "made-anew": madeAnew,
  "children-deleted": childrenDeleted,
};

/** The next play of a run: each kind once before any comes again. */
export function* drawPlays(kinds: Readonly<Record<string, Kind>>, draw: Draw): Generator<
  ReturnType<Kind> & { readonly kind: string; readonly name: string }
> {
  for (let count = 0;;) {
    for (const [kind, make] of draw.shuffled(Object.entries(kinds))) {
      const name = `${kind}-${count++}`;
      yield { kind, name, ...make(name, draw) };
    }
  }
}
