/** What kubectl and the clients of the API rely on (spec 9: C1 to C8, T1, T2; R13). */
import { expect } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import { conditionsOf, countersOf, nameOf, restartsOf } from "./cluster.ts";
import { group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();
const ENDS = { "succeed-after": "1s" };

e2e.test("kubectl wait for the condition and for terminalState, columns and short form (C2, C3, C12)", async (cluster) => {
  await cluster.create("jobsets", jobSet("js", [group("a", { fate: ENDS })]));
  const waits = await Promise.all([
    cluster.kubectl("wait", "--for=condition=Completed", "--timeout=30s", "jobset/js"),
    cluster.kubectl("wait", "--for=jsonpath={.status.terminalState}=Completed", "--timeout=30s", "jobset/js"),
  ]);
  for (const { code, stdout } of waits) {
    expect(stdout.trim()).toBe("jobset.jobset.x-k8s.io/js condition met");
    expect(code).toBe(0);
  }
  const { stdout } = await cluster.kubectl("get", "jobset", "js");
  const [header = "", row = ""] = stdout.trim().split("\n");
  expect(header.split(/\s+/)).toEqual(["NAME", "TERMINALSTATE", "RESTARTS", "COMPLETED", "SUSPENDED", "AGE"]);
  expect(row).toMatch(/^js\s+Completed\s+0\s+True\s+\S+$/);
});

e2e.test("Completed and Failed are never False, terminalState comes in the same write, and nothing changes later (C1, C2, C8)", async (cluster) => {
  const recording = await cluster.record("jobsets");
  await cluster.create("jobsets", jobSet("good", [group("a", { fate: ENDS })]));
  await cluster.create("jobsets", jobSet("bad", [group("a", { fate: { "fail-after": "1s" } }), group("b")]));
  await cluster.terminal("good", "Completed");
  await cluster.terminal("bad", "Failed");
  await cluster.jobCount("bad", 1);
  await cluster.eventually(
    "the last counters",
    async () => countersOf(await cluster.jobSet("bad"), "b")["active"] === 0,
  );
  await recording.stop();
  for (const { object } of recording.frames) {
    const conditions = conditionsOf(object);
    const ends = conditions.filter(({ type }) => type === "Completed" || type === "Failed");
    expect(ends.every(({ status }) => status === "True")).toBe(true);
    expect(at(object, "status", "terminalState")).toBe(ends[0]?.type);
    const times = conditions.map(({ lastTransitionTime }) => lastTransitionTime).toSorted();
    if (ends[0] !== undefined) expect(times.at(-1)).toBe(ends[0].lastTransitionTime);
  }
});

e2e.test("a status from its first write on has restarts and all five counters (R65, K29, C4)", async (cluster) => {
  const recording = await cluster.record("jobsets");
  await cluster.create("jobsets", jobSet("js", [group("a"), group("b")], { successPolicy: null, failurePolicy: null }));
  await cluster.eventually("both to be ready", async () => {
    const stored = await cluster.jobSet("js");
    return countersOf(stored, "a")["ready"] === 1 && countersOf(stored, "b")["ready"] === 1;
  });
  await recording.stop();
  const withStatus = recording.frames.filter(({ object }) => object["status"] !== undefined);
  for (const { object } of withStatus) {
    expect(restartsOf(object)).toBe(0);
    for (const name of ["a", "b"]) {
      expect(Object.keys(countersOf(object, name)).toSorted()).toEqual([
        "active",
        "failed",
        "name",
        "ready",
        "succeeded",
        "suspended",
      ]);
    }
  }
});

e2e.test("server-side apply of the same body ten times while it runs keeps the generation (R13, T1)", async (cluster) => {
  const body = { ...jobSet("js", [group("a", { replicas: 2 })], { failurePolicy: { maxRestarts: 1 } }) };
  const apply = (object: JsonObject) =>
    cluster.api.patch(`${cluster.path("jobsets", "js")}?fieldManager=trainer&force=true`, object, "apply");
  await apply(body);
  await cluster.eventually("it to be ready", async () => countersOf(await cluster.jobSet("js"), "a")["ready"] === 2);
  for (let round = 0; round < 10; round++) expect(at(await apply(body), "metadata", "generation")).toBe(1);
  expect(countersOf(await cluster.jobSet("js"), "a")["ready"]).toBe(2);
});

e2e.test("apply suspended, then apply resumed with a nodeSelector (T2)", async (cluster) => {
  const pod = { nodeSelector: { "topology.kubernetes.io/zone": "zone-b" } };
  const apply = (object: JsonObject) =>
    cluster.api.patch(`${cluster.path("jobsets", "js")}?fieldManager=trainer&force=true`, object, "apply");
  await apply(jobSet("js", [group("a")], { suspend: true }));
  await cluster.condition("js", "Suspended");
  await apply(jobSet("js", [group("a", { pod })], { suspend: false }));
  const [running] = await cluster.eventually("its Pod", async () => {
    const pods = await cluster.pods("js");
    return pods.length === 1 ? pods : undefined;
  });
  expect(at(running, "spec", "nodeSelector")).toEqual(pod.nodeSelector);
});

e2e.test("every example that needs no feature gate is taken by kubectl apply and started, without a warning", async (cluster) => {
  const applied = await cluster.kubectl("apply", "-f", new URL("../../examples/", import.meta.url).pathname);
  // Those of a feature gate that is off are refused by its name, and by nothing else.
  const refusals = applied.stderr.trim().split("\n").filter((line) => line !== "");
  expect(refusals.filter((line) => !line.includes("when InPlaceRestart feature gate is disabled"))).toEqual([]);
  expect(refusals.length).toBe(2);
  const jobSets = await cluster.list("jobsets");
  expect(jobSets.length).toBeGreaterThanOrEqual(10);
  for (const name of jobSets.map(nameOf)) {
    await cluster.eventually(`Jobs of ${name}`, async () => (await cluster.jobs(name)).length > 0);
    await cluster.eventually(`counters of ${name}`, async () => restartsOf(await cluster.jobSet(name)) === 0);
    expect((await cluster.events(name)).filter(({ type }) => type === "Warning")).toEqual([]);
  }
});
