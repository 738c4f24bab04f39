/**
 * Acceptance of the restart in place: 64 Pods with real agents, twenty failures in a row, some of two workers at once and one while
 * the controller is away. All restart where they are, for one attempt after the other, until maxRestarts is reached.
 */
import { expect, test } from "bun:test";
import { asInteger, at, type JsonObject } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";
import { AgentFleet, attemptOfPod, JOB_SET, type Worker } from "./agent_fleet.ts";
import { conditionOf, nameOf, type Recording, restartsOf } from "./cluster.ts";
import { type Controller, startController } from "./controller.ts";
import { CONTROLLER_USER, startEnvironment } from "./environment.ts";
import { below, seeded } from "./seeded.ts";

const FAILURES = 20;
/** Failures of two workers at once. */
const DOUBLES = [3, 7, 12, 17];
/** The one during which the controller is killed and started again. */
const AWAY = 10;
const JOBS = 8;
const PODS_PER_JOB = 8;
const TIMEOUT_MS = 15 * 60_000;

test(
  "64 real agents: one attempt after the other, no Pod is deleted, no barrier lifts before all are back",
  async () => {
    const environment = await startEnvironment({}, 0);
    const flags = ["--feature-gates=InPlaceRestart=true"];
    const controller = await startController(environment, { isInstalled: true, flags });
    let fleet: AgentFleet | undefined;
    try {
      const position = environment.auditPosition();
      fleet = await AgentFleet.start(environment, {
        strategy: "InPlaceRestart",
        jobs: JOBS,
        podsPerJob: PODS_PER_JOB,
        maxRestarts: FAILURES,
      });
      const [pods, jobSets] = await Promise.all([fleet.cluster.record("pods"), fleet.cluster.record("jobsets")]);
      const uids = await fleet.uids();
      const tookMs = await failAgainAndAgain(fleet, controller);
      console.log(`${fleet.size} agents: restarted in ms ${tookMs.map(Math.round).join(" ")}`);
      expect(await fleet.uids()).toEqual(uids);
      expect(restartsOf(await fleet.cluster.jobSet(JOB_SET))).toBe(0);
      const [victim] = fleet.workers();
      if (victim !== undefined) fleet.killWorkers([victim]);
      const failed = await fleet.cluster.terminal(JOB_SET, "Failed");
      expect(conditionOf(failed, "Failed")?.reason).toBe("ReachedMaxRestarts");
      await Promise.all([pods.stop(), jobSets.stop()]);
      expectOrder(pods, jobSets, fleet.size);
      const requests = environment.auditSince(position, fleet.cluster.namespace)
        .filter((entry) => at(entry, "user", "username") === CONTROLLER_USER);
      const isPodWrite = (entry: JsonObject) =>
        at(entry, "objectRef", "resource") === "pods" && !["watch", "list", "get"].includes(String(entry["verb"]));
      expect(requests.filter(isPodWrite)).toEqual([]);
    } catch (error) {
      console.log(controller.logTail());
      throw error;
    } finally {
      await fleet?.stop();
      await controller.dispose();
      await environment.stop();
    }
  },
  TIMEOUT_MS,
);

/** Each failure, from the kill to the last worker's start, in milliseconds. */
async function failAgainAndAgain(fleet: AgentFleet, controller: Controller): Promise<readonly number[]> {
  const random = seeded("64 agents");
  const tookMs: number[] = [];
  for (let failure = 1; failure <= FAILURES; failure++) {
    const workers = fleet.workers();
    const victims = pickSome(workers, DOUBLES.includes(failure) ? 2 : 1, random);
    if (failure === AWAY) await controller.kill();
    const killedAt = fleet.killWorkers(victims);
    if (failure === AWAY) await controller.start();
    const started = await fleet.started(killedAt);
    if (failure !== AWAY) tookMs.push(Math.max(...started.map(({ startedAt }) => startedAt)) - killedAt);
    // Each has started exactly once more, in one attempt.
    expect([...new Set(started.map(({ starts }) => starts))]).toEqual([failure + 1]);
    expect([await fleet.attempts(), await fleet.current()]).toEqual([[String(failure)], failure]);
  }
  return tookMs;
}

function pickSome(workers: readonly Worker[], count: number, random: Random): readonly Worker[] {
  const first = below(random, workers.length);
  return Array.from({ length: count }, (_, offset) => workers[(first + offset * 5) % workers.length])
    .filter((worker) => worker !== undefined);
}

/** An attempt becomes the current one only after the last Pod has said it; the resourceVersions of both tell. */
function expectOrder(pods: Recording, jobSets: Recording, size: number): void {
  expect(pods.frames.filter(({ type, object }) => type === "DELETED" && attemptOfPod(object) < FAILURES)).toEqual([]);
  const versionOf = (object: unknown) => Number(at(object, "metadata", "resourceVersion"));
  const firstSaid = new Map<string, number>();
  for (const { object } of pods.frames) {
    const key = `${attemptOfPod(object)} ${nameOf(object)}`;
    if (!firstSaid.has(key)) firstSaid.set(key, versionOf(object));
  }
  for (let attempt = 1; attempt <= FAILURES; attempt++) {
    const said = [...firstSaid].filter(([key]) => key.startsWith(`${attempt} `)).map(([, version]) => version);
    expect(said).toHaveLength(size);
    const current = jobSets.frames.find(({ object }) =>
      asInteger(at(object, "status", "currentInPlaceRestartAttempt")) === attempt
    );
    expect(versionOf(current?.object)).toBeGreaterThan(Math.max(...said));
  }
}
