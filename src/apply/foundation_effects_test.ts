import { expect, test } from "bun:test";
import { at } from "../base/json.ts";
import { readJobSet } from "../api/job_set.ts";
import { CLAIMS, eventsOf, JOBS, JOBSETS, NAMESPACE, SERVICES, TestWorld } from "./test_world.ts";

test("the Service: refused it is told and tried again; there already it is used as it is (R16)", async () => {
  const world = new TestWorld();
  world.api.fail("POST", SERVICES, { kind: "refuse", status: 403, message: "100% no" }, 3);
  world.apply("a");
  await world.pass(1000);
  expect(
    eventsOf(world, "HeadlessServiceCreationFailed").map((event) => [event["note"], at(event, "series", "count")]),
  ).toEqual([
    ["100% no", 3],
  ]);
  expect(world.jobNames()).toEqual(["a-w-0"]);

  const other = new TestWorld();
  other.isLagging = true;
  other.api.put(`${SERVICES}/a`, { metadata: { namespace: NAMESPACE, name: "a" } });
  const key = other.apply("a");
  const jobSet = readJobSet(other.api.get(`${JOBSETS}/a`) ?? {});
  if (jobSet === undefined) throw new Error("no JobSet");
  other.jobSets.upsert(jobSet);
  other.queue.add(key);
  other.api.fail("GET", SERVICES, { kind: "refuse", status: 500 });
  await other.rest();
  expect(other.api.count("POST", JOBS)).toBe(0);
  await other.pass(1000);
  expect(other.api.list("/services/").length).toBe(1);
  expect(other.jobNames()).toEqual(["a-w-0"]);
});

test("claims: one look per claim, made where absent, refused ones told and tried again", async () => {
  const world = new TestWorld();
  world.api.put(`${CLAIMS}/there-a`, { metadata: { namespace: NAMESPACE, name: "there-a" } });
  world.api.fail("POST", CLAIMS, { kind: "refuse", status: 403, message: "no space" });
  const templates = ["there", "new"].map((name) => ({ metadata: { name }, spec: {} }));
  const key = world.apply("a", { volumeClaimPolicies: [{ templates }] });
  await world.pass(1000);
  expect(world.api.list("/persistentvolumeclaims/").length).toBe(2);
  expect(eventsOf(world, "PVCCreationFailed").map((event) => event["note"])).toEqual(["no space"]);
  expect(world.jobNames()).toEqual(["a-w-0"]);
  const gets = world.api.count("GET", CLAIMS);
  world.api.remove(`${CLAIMS}/new-a`);
  world.queue.add(key);
  await world.pass(1000);
  expect(world.api.count("GET", CLAIMS)).toBe(gets);
});

test("claims: a look-up that fails is told and tried again; nothing is made before its answer (R16)", async () => {
  const world = new TestWorld();
  world.api.fail("GET", CLAIMS, { kind: "refuse", status: 403, message: "may not look" }, 2);
  const key = world.apply("a", { volumeClaimPolicies: [{ templates: [{ metadata: { name: "new" }, spec: {} }] }] });
  await world.rest();
  world.queue.add(key);
  await world.rest();
  expect(world.api.count("POST", CLAIMS)).toBe(0);
  await world.pass(1000);
  expect(world.api.count("GET", CLAIMS)).toBe(3);
  expect(world.api.count("POST", CLAIMS)).toBe(1);
  expect(
    eventsOf(world, "PVCCreationFailed").map((event) => [event["note"], at(event, "series", "count")]),
  ).toEqual([["may not look", 2]]);
  expect(world.jobNames()).toEqual(["a-w-0"]);
});
