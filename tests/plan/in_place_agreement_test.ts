/** Controller and agents always agree in the end, and no barrier lifts for two attempts at once, in whatever order they hear. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import { seededRandom } from "../../src/base/seeded_random.ts";
import { InPlaceWorld, type SimPod } from "./in_place_world.ts";

/** A second on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(30_000);

const SEEDS = 250;
const STEPS = 800;

interface Run {
  readonly world: InPlaceWorld;
  readonly faults: number;
}

interface RunOptions {
  readonly seed: number;
  readonly maxRestarts: number;
  /** How many states of the JobSet an agent may be behind when it starts. */
  readonly behind?: number;
}

/** Random steps of all sides with faults among them, then none until nothing moves any more. */
function run({ seed, maxRestarts, behind = 0 }: RunOptions): Run {
  const random = seededRandom(seed);
  const world = new InPlaceWorld({ jobs: 2, podsPerJob: 1 + Math.floor(random.next() * 3), maxRestarts });
  let faults = 0;
  for (let step = 0; step < STEPS; step++) {
    if (random.next() < 0.04 && !world.isFailed) faults += injectFault(world, random);
    else takeStep(world, random, behind);
  }
  settle(world);
  return { world, faults };
}

/** How many workers it stops. */
function injectFault(world: InPlaceWorld, random: Random): number {
  const running = world.pods.filter(({ process, isDeleting }) => process !== undefined && !isDeleting);
  const pod = pick(running, random);
  if (pod === undefined) return 0;
  const kind = random.next();
  if (kind < 0.5) world.endContainer(pod);
  else if (kind < 0.65) {
    // Two at once.
    const other = pick(running, random);
    world.endContainer(pod);
    if (other !== undefined && other !== pod) world.endContainer(other);
    return 2;
  } else if (kind < 0.8) world.deletePod(pod);
  else if (kind < 0.95) world.failPod(pod);
  else {
    const job = pod.job;
    if (job.isDeleting || job.restartAttempt < world.jobSet.status.restarts) return 0;
    job.isFailed = true;
  }
  return 1;
}

function takeStep(world: InPlaceWorld, random: Random, behind: number): void {
  const pod = pick(world.pods, random);
  const job = pick(world.jobs, random);
  switch (Math.floor(random.next() * 12)) {
    case 0:
    case 1:
      return void pick(world.pods.filter((each) => world.hasNews(each)), random, (each) => world.tellAgent(each));
    case 2:
    case 3: {
      const isDone = random.next() < 0.8;
      const writing = world.pods.filter(({ process }) => process?.write !== undefined);
      return void pick(writing, random, (each) => world.answerAgent(each, isDone));
    }
    case 4:
    case 5: {
      const late = Math.floor(random.next() * (behind + 1));
      const idle = world.pods.filter(({ process }) => process === undefined);
      return void pick(idle, random, (each) => world.startContainer(each, late));
    }
    case 6:
      return void world.seePods(1 + Math.floor(random.next() * 4));
    case 7:
      return void world.seeJobSet(1);
    case 8:
      return void world.reconcile(random.next() < 0.8);
    case 9:
      return random.next() < 0.2 ? world.restartController(pick([0, 3, 10], random)) : undefined;
    case 10:
      return pod !== undefined ? remove(world, pod) : undefined;
    default:
      if (job === undefined) return;
      world.recreate(job);
      // A Pod of an Indexed Job may be replaced before it is gone.
      return world.createMissing(job, random.next() < 0.5);
  }
}

/** The kubelet ends what is being deleted; the Job controller, or a hand, takes away what has failed. */
function remove(world: InPlaceWorld, pod: SimPod): void {
  if (pod.isDeleting || pod.phase === "Failed") world.removePod(pod);
}

/** Without faults: everybody hears everything, until nothing changes. */
function settle(world: InPlaceWorld): void {
  for (let round = 0; round < 1000; round++) {
    let isMoving = false;
    for (const pod of [...world.pods]) remove(world, pod);
    for (const job of world.jobs) {
      world.recreate(job);
      world.createMissing(job);
    }
    for (const pod of [...world.pods]) {
      world.startContainer(pod);
      while (world.answerAgent(pod) || world.tellAgent(pod)) isMoving = true;
    }
    isMoving = world.seePods(Number.POSITIVE_INFINITY) || isMoving;
    isMoving = world.seeJobSet(Number.POSITIVE_INFINITY) || isMoving;
    isMoving = world.reconcile() || isMoving;
    if (!isMoving) return;
  }
  world.violations.push("does not come to rest");
}

/** One of them, if there are any; `act` is called with it. */
function pick<T>(items: readonly T[], random: Random, act: (item: T) => void = () => {}): T | undefined {
  const item = items[Math.floor(random.next() * items.length)];
  if (item !== undefined) act(item);
  return item;
}

function outcome({ world }: Run): string {
  const { status } = world.jobSet;
  return JSON.stringify([status.currentInPlaceRestartAttempt, status.restarts, world.history.length, world.isFailed]);
}

describe("restart in place: controller and agents", () => {
  test("whatever comes late, fails at once or is deleted, all end in one attempt and none lifts beside another", () => {
    let restarts = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const { world } = run({ seed, maxRestarts: 1000 });
      const { violations, isAgreed, jobSet } = world;
      expect({ seed, violations, isAgreed }).toEqual({ seed, violations: [], isAgreed: true });
      restarts += jobSet.status.currentInPlaceRestartAttempt ?? 0;
    }
    expect(restarts).toBeGreaterThan(2 * SEEDS);
  });

  test("more failures than maxRestarts allows end as Failed; as few as it allows never do", () => {
    const seen = { failed: 0, agreed: 0 };
    for (let seed = 0; seed < SEEDS; seed++) {
      const { world, faults } = run({ seed, maxRestarts: 4 });
      const { violations, isFailed, isAgreed, jobSet } = world;
      expect({ seed, violations, isEnded: isFailed || isAgreed }).toEqual({ seed, violations: [], isEnded: true });
      if (isFailed) expect({ seed, isTooMany: faults > 4 }).toEqual({ seed, isTooMany: true });
      else expect(jobSet.status.currentInPlaceRestartAttempt).toBeLessThanOrEqual(4);
      seen[isFailed ? "failed" : "agreed"]++;
    }
    expect(seen.failed).toBeGreaterThan(20);
    expect(seen.agreed).toBeGreaterThan(20);
  });

  test("a seed gives the same run twice", () => {
    for (let seed = 0; seed < 20; seed++) {
      const options = { seed, maxRestarts: 1000 };
      expect(outcome(run(options))).toBe(outcome(run(options)));
    }
  });

  test("the checks see what goes wrong: agents that start on an old view break the agreement", () => {
    const isSeen = Array.from({ length: SEEDS }).some((_, seed) => {
      const { world } = run({ seed, maxRestarts: 1000, behind: 3 });
      return world.violations.length > 0 || !world.isAgreed;
    });
    expect(isSeen).toBe(true);
  });
});
