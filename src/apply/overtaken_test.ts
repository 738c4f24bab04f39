/** A request that waits in the client, as for a server that asked it to (429), is not sent on what is no longer so. */
import { expect, test } from "bun:test";
import { asObject, at, type JsonObject } from "../base/json.ts";
import { featureGates } from "../api/feature_gates.ts";
import { EXECUTION_ATTEMPT } from "../api/keys.ts";
import type { KubeRequest } from "../client/kube_client.ts";
import { CLAIMS, failJob, JOBS, JOBSETS, NAMESPACE, running, SERVICES, TestWorld } from "./test_world.ts";

/** Holds the next such request back, until what it gives back is called. */
function holdBack(world: TestWorld, method: KubeRequest["method"], part: string): () => Promise<void> {
  const hold = Promise.withResolvers<void>();
  world.api.fail(method, part, { kind: "wait", until: hold.promise });
  return async () => {
    hold.resolve();
    await world.rest();
  };
}

function remake(world: TestWorld, job: string): void {
  const body = world.api.get(`${JOBS}/${job}`) ?? {};
  world.api.remove(`${JOBS}/${job}`);
  const { uid: _, resourceVersion: __, ...metadata } = asObject(body["metadata"]) ?? {};
  world.api.put(`${JOBS}/${job}`, { ...body, metadata });
}

const noService = { network: { enableDNSHostnames: false } };

test("no Job is created once its JobSet has finished", async () => {
  const world = new TestWorld();
  const letGo = holdBack(world, "POST", JOBS);
  world.apply("a", noService, 2);
  await world.pass(1000);
  const [first = ""] = world.jobNames();
  failJob(world, first);
  await world.pass(1000);
  expect(world.conditions("a")).toContain("Failed=True");
  await letGo();
  expect(world.api.requests.filter(({ method }) => method === "DELETE")).toEqual([]);
  expect(world.jobNames()).toEqual([first]);
});

test("no Job is created on the word of a plan older than what is known of the JobSet", async () => {
  for (const change of [{ suspend: true }, undefined]) {
    const world = new TestWorld();
    const letGo = holdBack(world, "POST", JOBS);
    const key = world.apply("a", noService);
    await world.pass(1000);
    // Known, and not planned yet: the key rests.
    world.queue.rest(key, 1000);
    if (change === undefined) world.api.remove(`${JOBSETS}/a`);
    else world.edit("a", change);
    await letGo();
    expect(world.jobNames()).toEqual([]);
  }
});

test("no Job is created with a template that was changed meanwhile", async () => {
  const world = new TestWorld();
  const letGo = holdBack(world, "POST", JOBS);
  world.apply("a", noService);
  await world.pass(1000);
  world.edit("a", { suspend: true });
  await world.rest();
  world.edit("a", { replicatedJobs: [replicatedJob("new")] });
  await world.rest();
  world.edit("a", { suspend: false });
  await world.rest();
  await letGo();
  await world.pass(1000);
  const selector = at(world.api.get(`${JOBS}/a-w-0`), "spec", "template", "spec", "nodeSelector");
  expect(selector).toEqual({ flavor: "new" });
});

/** As the Job controller of the API server leaves it. */
function withControllerLabels(job: JsonObject): JsonObject {
  const [name, uid] = [at(job, "metadata", "name"), at(job, "metadata", "uid")];
  const own = {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  const spec = asObject(job["spec"]) ?? {};
  const template = asObject(spec["template"]) ?? {};
  const metadata = asObject(template["metadata"]) ?? {};
  const labels = { ...asObject(metadata["labels"]), ...own };
  return { ...job, spec: { ...spec, template: { ...template, metadata: { ...metadata, labels } } } };
}

function replicatedJob(flavor: string): JsonObject {
  const containers = [{ name: "c", image: "i" }];
  return {
    name: "w",
    replicas: 1,
    template: { spec: { template: { spec: { containers, nodeSelector: { flavor } } } } },
  };
}

test("R34: no Job is resumed with a template that was changed meanwhile", async () => {
  const world = new TestWorld();
  world.apply("a", { ...noService, suspend: true, replicatedJobs: [replicatedJob("old")] });
  await world.pass(1000);
  const letGo = holdBack(world, "PATCH", `${JOBS}/a-w-0`);
  world.edit("a", { suspend: false, replicatedJobs: [replicatedJob("first")] });
  await world.rest();
  world.edit("a", { suspend: true });
  await world.rest();
  world.edit("a", { suspend: false, replicatedJobs: [replicatedJob("second")] });
  await world.rest();
  await letGo();
  await world.pass(1000);
  const job = world.api.get(`${JOBS}/a-w-0`);
  expect(at(job, "spec", "suspend")).toBe(false);
  expect(at(job, "spec", "template", "spec", "nodeSelector")).toEqual({ flavor: "second" });
  // The one that was held back and not sent, and the right one.
  expect(world.api.count("PATCH", `${JOBS}/a-w-0`)).toBe(2);
});

test("no Job is suspended once its JobSet runs again", async () => {
  const world = await running(2, noService);
  const letGo = holdBack(world, "PATCH", `${JOBS}/a-w-0`);
  world.edit("a", { suspend: true });
  await world.rest();
  world.edit("a", { suspend: false });
  await world.pass(1000);
  await letGo();
  await world.pass(1000);
  // It was never suspended, so that nothing has to resume it.
  expect(world.api.count("PATCH", "/jobs/a-w-0")).toBe(1);
  expect(at(world.api.get(`${JOBS}/a-w-0`), "spec", "suspend")).toBe(false);
});

test("a Job that somebody else has suspended, or resumed, meanwhile is left as it is", async () => {
  for (const suspend of [true, false]) {
    const world = await running(1, noService);
    world.edit("a", { suspend: !suspend });
    await world.pass(1000);
    const letGo = holdBack(world, "PATCH", `${JOBS}/a-w-0`);
    const before = world.api.count("PATCH", `${JOBS}/a-w-0`);
    world.edit("a", { suspend });
    await world.rest();
    const body = world.api.get(`${JOBS}/a-w-0`) ?? {};
    const { version } = world.api;
    world.api.put(`${JOBS}/a-w-0`, { ...body, spec: { ...asObject(body["spec"]), suspend } });
    await letGo();
    expect(world.api.count("PATCH", `${JOBS}/a-w-0`)).toBe(before + 1);
    expect(at(world.api.get(`${JOBS}/a-w-0`), "metadata", "resourceVersion")).toBe(String(Number(version) + 1));
  }
});

test("a finished JobSet's Job that ended meanwhile is kept for the evidence", async () => {
  const world = await running(2, { ...noService, failurePolicy: undefined });
  const letGo = holdBack(world, "DELETE", `${JOBS}/a-w-1`);
  failJob(world, "a-w-0");
  await world.pass(1000);
  expect(world.conditions("a")).toContain("Failed=True");
  expect(world.api.count("DELETE", JOBS)).toBe(1);
  failJob(world, "a-w-1");
  await letGo();
  await world.pass(1000);
  expect(world.jobNames()).toEqual(["a-w-0", "a-w-1"]);
});

test("a delete is not sent for a Job that is gone, or replaced", async () => {
  for (const replace of [true, false]) {
    const world = await running(1, noService);
    const letGo = holdBack(world, "DELETE", `${JOBS}/a-w-0`);
    failJob(world, "a-w-0");
    await world.pass(1000);
    if (replace) remake(world, "a-w-0");
    else world.api.remove(`${JOBS}/a-w-0`);
    const gets = world.api.count("GET", JOBS);
    await letGo();
    // It would have ended in a conflict, and a look at what is there.
    expect(world.api.count("GET", JOBS)).toBe(gets);
  }
});

test("a status is not written over what is known to be newer", async () => {
  const world = await running(1, noService);
  const letGo = holdBack(world, "PATCH", `${JOBSETS}/a/status`);
  failJob(world, "a-w-0");
  const rest = world.rest();
  await new Promise((resolve) => setImmediate(resolve));
  world.edit("a", { ttlSecondsAfterFinished: 10 });
  await letGo();
  await rest;
  // A conflict would have been followed by a look at what is there.
  expect(world.api.count("GET", JOBSETS)).toBe(0);
  expect(world.status("a")["restarts"]).toBe(1);
});

test("a JobSet whose time to live was made longer is not deleted at its former end", async () => {
  const world = await running(1, { ...noService, failurePolicy: undefined, ttlSecondsAfterFinished: 10 });
  const letGo = holdBack(world, "DELETE", JOBSETS);
  failJob(world, "a-w-0");
  await world.pass(60_000);
  expect(world.api.count("DELETE", JOBSETS)).toBe(1);
  world.edit("a", { ttlSecondsAfterFinished: 1000 });
  await world.rest();
  await letGo();
  expect(world.api.get(`${JOBSETS}/a`)).toBeDefined();
  await world.pass(1_000_000);
  expect(world.api.get(`${JOBSETS}/a`)).toBeUndefined();
});

test("neither Service nor claim is made for a JobSet that is gone", async () => {
  const volumeClaimPolicies = [{ templates: [{ metadata: { name: "data" }, spec: {} }] }];
  for (const [spec, path] of [[{}, SERVICES], [{ ...noService, volumeClaimPolicies }, CLAIMS]] as const) {
    const world = new TestWorld();
    const letGo = holdBack(world, "POST", path);
    world.apply("a", spec);
    await world.pass(1000);
    world.api.remove(`${JOBSETS}/a`);
    await letGo();
    await world.pass(10_000);
    expect(world.api.list(path)).toEqual([]);
    expect(world.jobSets.get(NAMESPACE, "a")).toBeUndefined();
  }
});

/** What a view shows that came late: suspended, edited and resumed at once. */
function editedWhileSuspended(world: TestWorld): void {
  world.jobSetsLag = true;
  world.edit("a", { suspend: true });
  world.edit("a", { suspend: false, replicatedJobs: [replicatedJob("new")] });
  world.catchUp();
}

test("R34: Jobs that went on through a suspension which no view showed are given the new template", async () => {
  const world = await running(1, { ...noService, replicatedJobs: [replicatedJob("old")] });
  editedWhileSuspended(world);
  await world.pass(1000);
  const job = world.api.get(`${JOBS}/a-w-0`);
  expect(at(job, "spec", "suspend")).toBe(false);
  expect(at(job, "spec", "template", "spec", "nodeSelector")).toEqual({ flavor: "new" });
  expect(world.api.count("PATCH", `${JOBS}/a-w-0`)).toBe(2);
  world.edit("a", { ttlSecondsAfterFinished: 10 });
  await world.pass(100_000);
  expect(world.api.count("PATCH", `${JOBS}/a-w-0`)).toBe(2);
});

test("R34: Jobs whose create or resume was under way meanwhile are given the new template too", async () => {
  const seen = async (world: TestWorld) => {
    world.edit("a", { suspend: true });
    await world.rest();
    world.edit("a", { suspend: false, replicatedJobs: [replicatedJob("new")] });
  };
  const cases = [[false, editedWhileSuspended], [true, editedWhileSuspended], [false, seen], [true, seen]] as const;
  for (const [suspend, edit] of cases) {
    const world = new TestWorld();
    const hold = Promise.withResolvers<void>();
    world.api.fail(suspend ? "PATCH" : "POST", JOBS, { kind: "hold", until: hold.promise });
    world.apply("a", { ...noService, suspend, replicatedJobs: [replicatedJob("old")] });
    await world.pass(1000);
    if (suspend) world.edit("a", { suspend: false });
    await world.pass(1000);
    await edit(world);
    await world.rest();
    hold.resolve();
    await world.pass(100_000);
    const job = world.api.get(`${JOBS}/a-w-0`);
    expect(at(job, "spec", "suspend")).toBe(false);
    expect(at(job, "spec", "template", "spec", "nodeSelector")).toEqual({ flavor: "new" });
  }
});

test("a Job that has the new template already is left to run", async () => {
  const world = await running(1, { ...noService, replicatedJobs: [replicatedJob("old")] });
  const body = world.api.get(`${JOBS}/a-w-0`) ?? {};
  const text = JSON.stringify(body).replace(`{"flavor":"old"}`, `{"flavor":"new"}`);
  world.api.put(`${JOBS}/a-w-0`, withControllerLabels(asObject(JSON.parse(text)) ?? {}));
  editedWhileSuspended(world);
  await world.pass(100_000);
  expect(world.api.count("PATCH", `${JOBS}/a-w-0`)).toBe(0);
  expect(world.api.count("GET", `${JOBS}/a-w-0`)).toBe(1);
});

test("Jobs of a running JobSet that was edited are left as they are", async () => {
  const world = await running(1, { ...noService, replicatedJobs: [replicatedJob("old")] });
  // One update can't have suspended and resumed it.
  world.edit("a", { replicatedJobs: [replicatedJob("new")] });
  await world.pass(1000);
  // Nor has one that changes no template.
  world.jobSetsLag = true;
  world.edit("a", { suspend: true });
  world.edit("a", { suspend: false });
  world.catchUp();
  await world.pass(1000);
  expect(world.api.count("PATCH", `${JOBS}/a-w-0`)).toBe(0);
});

test("without admission Jobs of a JobSet that was edited twice are left as they are", async () => {
  const world = await running(1, { ...noService, replicatedJobs: [replicatedJob("old")] }, { hasAdmission: false });
  editedWhileSuspended(world);
  await world.pass(1000);
  expect(world.api.count("PATCH", `${JOBS}/a-w-0`)).toBe(0);
});

test("R34: an empty field of a toleration makes no other template", async () => {
  const tolerating = (toleration: JsonObject) => {
    const spec = {
      containers: [{ name: "c", image: "i" }],
      tolerations: [{ key: "g", operator: "Exists", ...toleration }],
    };
    return { replicatedJobs: [{ name: "w", replicas: 1, template: { spec: { template: { spec } } } }] };
  };
  const world = await running(1, { ...noService, ...tolerating({}) });
  world.jobSetsLag = true;
  world.edit("a", { ttlSecondsAfterFinished: 10 });
  world.edit("a", tolerating({ value: "" }));
  world.catchUp();
  await world.pass(1000);
  expect(world.api.count("GET", `${JOBS}/a-w-0`)).toBe(0);
});

test("R34: the template that a Job was looked at for may have been replaced meanwhile", async () => {
  const world = await running(1, { ...noService, replicatedJobs: [replicatedJob("old")] });
  const body = world.api.get(`${JOBS}/a-w-0`) ?? {};
  const text = JSON.stringify(body).replace(`{"flavor":"old"}`, `{"flavor":"new"}`);
  world.api.put(`${JOBS}/a-w-0`, withControllerLabels(asObject(JSON.parse(text)) ?? {}));
  const hold = Promise.withResolvers<void>();
  world.api.fail("GET", `${JOBS}/a-w-0`, { kind: "hold", until: hold.promise });
  editedWhileSuspended(world);
  await world.pass(1000);
  world.jobSetsLag = true;
  world.edit("a", { suspend: true });
  world.edit("a", { suspend: false, replicatedJobs: [replicatedJob("newer")] });
  world.catchUp();
  await world.pass(1000);
  hold.resolve();
  await world.pass(100_000);
  const selector = at(world.api.get(`${JOBS}/a-w-0`), "spec", "template", "spec", "nodeSelector");
  expect(selector).toEqual({ flavor: "newer" });
});

test("a JobSet that restarts in place goes on with the old template: suspended, it would lose a restart", async () => {
  const gates = featureGates({ InPlaceRestart: true });
  const failurePolicy = { maxRestarts: 0, restartStrategy: "InPlaceRestart" };
  const world = await running(1, { ...noService, failurePolicy, replicatedJobs: [replicatedJob("old")] }, { gates });
  editedWhileSuspended(world);
  await world.pass(1000);
  expect(world.api.count("PATCH", `${JOBS}/a-w-0`)).toBe(0);
});

test("a suspension that few Jobs were reached by counts as one run, whichever Job is suspended when (spec 3.12)", async () => {
  const jobs = 120;
  const gates = featureGates({ ExecutionAttemptsTracking: true });
  const of = (flavor: string) => ({ replicatedJobs: [{ ...replicatedJob(flavor), replicas: jobs }] });
  const world = await running(jobs, { ...noService, ...of("old") }, { gates });
  for (let job = 0; job < jobs; job++) {
    for (const method of ["GET", "PATCH"] as const) {
      const held = Promise.withResolvers<void>();
      world.clock.after(5 + job % 7 * 40, () => held.resolve());
      world.api.fail(method, new RegExp(`${JOBS}/a-w-${job}$`), { kind: "wait", until: held.promise });
    }
  }
  world.edit("a", { suspend: true });
  await world.pass(100);
  world.edit("a", { suspend: false, ...of("new") });
  await world.pass(300_000);
  expect(world.status("a")["executionAttempts"]).toBe(1);
  const runs = world.api.list("/jobs/").map((job) => at(job, "metadata", "annotations", EXECUTION_ATTEMPT));
  expect(new Set(runs)).toEqual(new Set(["1"]));
});

test("no Job is created without a number once its suspended JobSet has one (spec 3.12)", async () => {
  const world = new TestWorld(featureGates({ ExecutionAttemptsTracking: true }));
  const letGo = holdBack(world, "POST", JOBS);
  world.apply("a", { ...noService, suspend: true });
  await world.pass(1000);
  const body = world.api.get(`${JOBSETS}/a`) ?? {};
  world.api.put(`${JOBSETS}/a`, { ...body, status: { ...asObject(body["status"]), executionAttempts: 0 } });
  await letGo();
  await world.pass(1000);
  expect(at(world.api.get(`${JOBS}/a-w-0`), "metadata", "annotations", EXECUTION_ATTEMPT)).toBe("0");
});

test("no Job of an old attempt is suspended", async () => {
  const world = await running(1, noService);
  world.collectsAtOnce = false;
  const letGo = holdBack(world, "PATCH", `${JOBS}/a-w-0`);
  world.edit("a", { suspend: true });
  await world.rest();
  const body = world.api.get(`${JOBSETS}/a`) ?? {};
  world.api.put(`${JOBSETS}/a`, { ...body, status: { ...asObject(body["status"]), restarts: 1 } });
  await letGo();
  await world.pass(1000);
  expect(at(world.api.get(`${JOBS}/a-w-0`), "spec", "suspend")).toBe(false);
});
