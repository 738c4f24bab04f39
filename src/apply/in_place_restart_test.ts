import { expect, test } from "bun:test";
import { asInteger } from "../base/json.ts";
import { featureGates } from "../api/feature_gates.ts";
import { IN_PLACE_RESTART_ATTEMPT, JOBSET_NAME } from "../api/keys.ts";
import { type Pod, readPod } from "../api/pod.ts";
import { eventsOf, JOBSETS, makeReady, NAMESPACE, TestWorld, told } from "./test_world.ts";

const STRATEGY = { maxRestarts: 9, restartStrategy: "InPlaceRestart" };

/** A JobSet of 4 Jobs of one Pod each; `say` is what their agents write. */
async function fleet() {
  const pods = new Map<string, Pod>();
  const world = new TestWorld(featureGates({ InPlaceRestart: true }), { pods });
  const template = { spec: { parallelism: 1, completions: 1 } };
  world.apply("a", { failurePolicy: STRATEGY, replicatedJobs: [{ name: "w", replicas: 4, template }] });
  await world.pass(5000);
  makeReady(world);
  await world.pass(5000);
  const say = async (attempts: readonly string[]) => {
    for (const [index, attempt] of attempts.entries()) {
      const annotations = attempt === "" ? {} : { [IN_PLACE_RESTART_ATTEMPT]: attempt };
      const labels = { [JOBSET_NAME]: "a" };
      const pod = readPod({
        metadata: { namespace: NAMESPACE, name: `p${index}`, uid: `u${index}`, labels, annotations },
      });
      if (pod !== undefined) pods.set(pod.name, pod);
    }
    world.queue.add(`${NAMESPACE}/a`);
    await world.rest();
  };
  const attempts = () => {
    const { previousInPlaceRestartAttempt: previous, currentInPlaceRestartAttempt: current } = world.status("a");
    return [asInteger(previous), asInteger(current)];
  };
  return { world, say, attempts };
}

function statusWrites(world: TestWorld): number {
  return world.api.count("PATCH", `${JOBSETS}/a/status`);
}

test("what the agents wait for is written at once", async () => {
  const { say, attempts } = await fleet();
  await say(["0", "0", "0", "0"]);
  expect(attempts()).toEqual([undefined, 0]);
  await say(["0", "1", "0", "0"]);
  expect(attempts()).toEqual([0, 0]);
  await say(["1", "1", "1", "1"]);
  expect(attempts()).toEqual([0, 1]);
});

test("while the Pods restart in place, counters wake their agents once a second at most", async () => {
  const { world, say, attempts } = await fleet();
  await say(["0", "0", "0", "0"]);
  await say(["1", "0", "0", "0"]);
  const before = statusWrites(world);
  for (const job of world.jobNames()) {
    world.api.setJobStatus(`/apis/batch/v1/namespaces/${NAMESPACE}/jobs/${job}`, { ready: 0, active: 1 });
    await world.pass(200);
  }
  expect(statusWrites(world)).toBe(before);
  await say(["1", "1", "1", "1"]);
  expect(attempts()).toEqual([0, 1]);
  // The counters went with it.
  expect(statusWrites(world)).toBe(before + 1);
  expect(world.status("a")["replicatedJobsStatus"]).toMatchObject([{ ready: 0, active: 4 }]);
});

test("Pods that never come to agree do not keep the counters back for ever", async () => {
  const { world, say } = await fleet();
  await say(["0", "", "", ""]);
  world.api.setJobStatus(`/apis/batch/v1/namespaces/${NAMESPACE}/jobs/a-w-0`, { ready: 0, active: 1 });
  await world.pass(1200);
  expect(world.status("a")["replicatedJobsStatus"]).toMatchObject([{ ready: 3 }]);
});

test("a malformed attempt is told once, however often it is planned", async () => {
  const { world, say, attempts } = await fleet();
  await say(["0", "soon", "0", "0"]);
  await world.pass(60_000);
  expect(world.backOffs.failed).toBeGreaterThan(5);
  expect(eventsOf(world, "InPlaceRestartFailed")).toHaveLength(1);
  expect(told(world, "InPlaceRestartFailed")).toBe(1);
  await say(["0", "0", "0", "0"]);
  expect(attempts()).toEqual([undefined, 0]);
});
