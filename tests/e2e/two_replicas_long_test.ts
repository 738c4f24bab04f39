/**
 * Two replicas under load, with the durations that users have: ten times the leader is killed, ten times it stands still for
 * twenty seconds and goes on; at last it is told to end (spec 6.3).
 */
import { expect, test } from "bun:test";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { Cluster } from "./cluster.ts";
import { startEnvironment } from "./environment.ts";
import { type Replica, Replicas, signal } from "./replicas.ts";
import { Load } from "./restart_load.ts";
import { seeded } from "./seeded.ts";

const LEASE_MS = 15_000;
const STOPPED_MS = 20_000;
const MOMENTS = 10;
const TIMEOUT_MS = 20 * 60_000;

test(
  "two replicas: kill -9 and SIGSTOP of the leader, ten times each, never two leaders, nothing counted twice",
  async () => {
    const environment = await startEnvironment();
    const random = seeded("two replicas");
    const clusters = await Promise.all(Array.from({ length: 3 }, () => Cluster.create(environment)));
    // Warm standbys: whichever is not the leader keeps its caches filled.
    const replicas = await Replicas.start(environment, [["--leader-elect"], ["--leader-elect"]]);
    const load = new Load();
    try {
      const [creations, ...restarts] = clusters;
      if (creations !== undefined) load.create(creations);
      for (const cluster of restarts) load.restart(cluster, random);
      const takeovers: number[] = [];
      let { by: leader } = await replicas.takeover(undefined, 10_000);
      for (let moment = 0; moment < 2 * MOMENTS; moment++) {
        await roundsOf(load, 4, replicas);
        const { by, tookMs } = moment % 2 === 0 ? await killed(replicas, leader) : await stoodStill(replicas, leader);
        takeovers.push(tookMs);
        leader = by;
      }
      await roundsOf(load, 4, replicas);
      const releasedMs = await ended(replicas, leader);
      const rounds = await load.stop();
      const { intrusions, writes, handoversMs } = replicas.reigns(clusters.map(({ namespace }) => namespace));
      console.log(
        `two replicas: ${rounds} rounds, ${handoversMs.length} changes of the leader, takeover after at most ` +
          `${Math.round(Math.max(...takeovers))} ms, after SIGTERM ${Math.round(releasedMs)} ms (${
            handoversMs.at(-1)
          } ms after the last write); writes ${[
            ...writes.values(),
          ]}`,
      );
      expect(intrusions).toEqual([]);
      expect(handoversMs).toHaveLength(2 * MOMENTS + 1);
      // Spec 6.3: the lease is free as soon as the work under way is done.
      expect(handoversMs.at(-1)).toBeLessThan(1_000);
      for (const { credential } of replicas.all) expect(writes.get(credential)).toBeGreaterThan(100);
    } finally {
      await replicas.dispose();
      await environment.stop();
    }
  },
  TIMEOUT_MS,
);

/** The load gets on: the leader is in the midst of it. */
async function roundsOf(load: Load, count: number, replicas: Replicas): Promise<void> {
  const until = load.rounds + count;
  await waitFor("the load to get on", {
    timeoutMs: 120_000,
    check: () => load.rounds >= until,
    describe: () => replicas.logTails(),
  });
}

async function killed(replicas: Replicas, leader: Replica): Promise<{ readonly by: Replica; readonly tookMs: number }> {
  await leader.controller.kill();
  const taken = await replicas.takeover(leader, LEASE_MS + 2_000);
  await leader.controller.start();
  return taken;
}

/** It goes on after another has taken over: it ends without having written anything, and is started again. */
async function stoodStill(
  replicas: Replicas,
  leader: Replica,
): Promise<{ readonly by: Replica; readonly tookMs: number }> {
  const stoppedAt = performance.now();
  signal(leader.controller, "SIGSTOP");
  const taken = await replicas.takeover(leader, LEASE_MS + 2_000);
  await waitFor("20 s to be over", {
    timeoutMs: STOPPED_MS + 1_000,
    check: () => performance.now() - stoppedAt > STOPPED_MS,
  });
  replicas.resume(leader);
  await waitFor("the former leader to end", {
    timeoutMs: 5_000,
    check: () => !leader.controller.isRunning(),
    describe: () => leader.controller.logTail(),
  });
  expect(leader.controller.logLines("lost the lease").length).toBeGreaterThan(0);
  await leader.controller.start();
  return taken;
}

/** SIGTERM: the other leads as soon as the work under way is done; how long that took. */
async function ended(replicas: Replicas, leader: Replica): Promise<number> {
  const exit = leader.controller.terminate();
  const { tookMs } = await replicas.takeover(leader, 5_000);
  expect(await exit).toBe(0);
  return tookMs;
}
