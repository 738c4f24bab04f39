/** How the lease is taken. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { at } from "../base/json.ts";
import { LeaderElector } from "./leader_elector.ts";
import { Election, TIMING } from "./test_election.ts";
import { AT_ONCE, LeaseClient, NAME, NAMESPACE } from "./test_lease_server.ts";

let election = new Election();

beforeEach(() => {
  election = new Election();
});

afterEach(() => election.end());

test("without a Lease it is made, as client-go makes it", async () => {
  const us = election.candidate("us").start();
  let isAcquired = false;
  us.elector.acquired.then(() => isAcquired = true);
  await election.pass(0);
  expect(isAcquired).toBe(true);
  expect(us.elector.isLeader).toBe(true);
  expect(election.server.lease?.["spec"]).toEqual({
    holderIdentity: "us",
    leaseDurationSeconds: 15,
    acquireTime: "2030-01-01T00:00:00.000000Z",
    renewTime: "2030-01-01T00:00:00.000000Z",
    leaseTransitions: 0,
  });
  expect(us.said("became the leader")).toBe(1);
});

test("another's lease runs out by the time we saw it, whatever times stand in it; unknown fields stay", async () => {
  for (const renewTime of ["2001-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"]) {
    election = new Election();
    election.server.put({
      holderIdentity: "them",
      leaseDurationSeconds: 15,
      renewTime,
      leaseTransitions: 3,
      strategy: "New",
    }, {
      labels: { keep: "me" },
    });
    const us = election.candidate("us").start();
    await election.pass(14_999);
    expect(us.elector.isLeader).toBe(false);
    await election.pass(1);
    expect(us.elector.mayWrite()).toBe(true);
    expect(election.server.spec("leaseTransitions")).toBe(4);
    expect(election.server.spec("strategy")).toBe("New");
    expect(at(election.server.lease, "metadata", "labels")).toEqual({ keep: "me" });
    expect(us.said("standing by")).toBe(1);
    us.abort();
    await election.pass(0);
  }
});

test("a standby asks nothing while its watch works, and takes over at the expiry after the last renewal", async () => {
  election.heldBy("them");
  const us = election.candidate("us").start();
  for (let renewals = 0; renewals < 20; renewals++) {
    await election.pass(2_000);
    election.heldBy("them");
  }
  await election.pass(14_999);
  expect(us.client.requests).toHaveLength(1);
  expect(us.elector.isLeader).toBe(false);
  await election.pass(1);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a change that is no renewal does not put off the expiry", async () => {
  election.heldBy("them");
  const us = election.candidate("us").start();
  await election.pass(10_000);
  election.server.put({ ...Object(election.server.lease?.["spec"]) }, { labels: { a: "b" } });
  await election.pass(5_000);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a lease that is given back is taken at once, the holder's own duration counts otherwise", async () => {
  election.heldBy("them", { leaseDurationSeconds: 60 });
  const us = election.candidate("us").start();
  await election.pass(59_000);
  expect(us.elector.isLeader).toBe(false);
  election.heldBy("", { leaseDurationSeconds: 1 });
  await election.pass(0);
  expect(us.elector.mayWrite()).toBe(true);
  expect(election.server.spec("leaseTransitions")).toBe(4);
});

test("without a watch the Lease is read every retryPeriod and a bit", async () => {
  election.heldBy("them");
  const us = election.candidate("us");
  us.client.stream = () => Promise.reject(new Error("no watch today"));
  us.start();
  await election.pass(12_000);
  expect(us.client.count("GET")).toBe(4);
  election.heldBy("");
  await election.pass(4_400);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a watch that died without a word is noticed at the expiry, and the Lease is read from then on", async () => {
  election.heldBy("them");
  const us = election.candidate("us").start();
  await election.pass(0);
  election.server.watch = () => () => {};
  us.client.cut();
  await election.pass(1_000);
  for (let renewals = 0; renewals < 12; renewals++) {
    election.heldBy("them");
    await election.pass(2_000);
  }
  expect(us.elector.isLeader).toBe(false);
  election.heldBy("");
  await election.pass(4_400);
  expect(us.elector.mayWrite()).toBe(true);
});

test("of several standbys one wins, the others wait for it", async () => {
  election.heldBy("them");
  const all = ["a", "b", "c"].map((name) => election.candidate(name).start());
  await election.pass(15_000);
  expect(all.filter(({ elector }) => elector.mayWrite())).toHaveLength(1);
  await election.pass(60_000);
  expect(all.filter(({ elector }) => elector.mayWrite())).toHaveLength(1);
  expect(election.server.spec("leaseTransitions")).toBe(4);
});

for (
  const [what, spec] of [
    ["nothing", {}],
    ["nulls", { holderIdentity: null, leaseDurationSeconds: null, renewTime: null, leaseTransitions: null }],
    ["wrong types", { holderIdentity: 7, leaseDurationSeconds: "x", acquireTime: [], leaseTransitions: -4.5 }],
    ["no duration", { holderIdentity: "them" }],
    ["too many transitions", { holderIdentity: "", leaseTransitions: 2147483647 }],
  ] as const
) {
  test(`a Lease with ${what} in it is free`, async () => {
    election.server.put(spec);
    const us = election.candidate("us").start();
    await election.pass(1);
    expect(us.elector.mayWrite()).toBe(true);
    const transitions = election.server.spec("leaseTransitions");
    expect(typeof transitions === "number" && transitions >= 0 && transitions < 2 ** 31).toBe(true);
    expect(election.server.spec("acquireTime")).toMatch(/^2030-01-01T00:00:00\.00\d000Z$/);
  });
}

test("answers that are no Lease are failures", async () => {
  const us = election.candidate("us");
  us.client.request = () => Promise.resolve("<html>log in first</html>");
  us.start();
  await election.pass(30_000);
  expect(us.elector.isLeader).toBe(false);
  expect(us.said("the lease can't be used, it is tried again")).toBe(1);
});

for (
  const [what, status, reason] of [
    ["permission", 403, "Forbidden"],
    ["valid credentials", 401, "Unauthorized"],
    ["its namespace", 404, "NotFound"],
  ] as const
) {
  test(`without ${what} one line says so, and it is tried on`, async () => {
    const us = election.candidate("us");
    us.client.fate = () => ({ ...AT_ONCE, error: { status, reason } });
    us.start();
    await election.pass(60_000);
    const errors = us.lines.filter(({ level }) => level === "ERROR");
    expect(errors.map(({ fields }) => fields)).toEqual([
      { lease: `${NAMESPACE}/${NAME}`, error: `refused: ${reason}` },
    ]);
    us.heal();
    await election.pass(4_400);
    expect(us.elector.mayWrite()).toBe(true);
  });
}

test("a claim without an answer that took effect is recognised as ours", async () => {
  const us = election.candidate("us");
  us.meet("POST", { fails: "lostAnswer" });
  us.start();
  await election.pass(5_000);
  us.heal();
  await election.pass(4_400);
  expect(us.elector.mayWrite()).toBe(true);
  expect(election.server.spec("leaseTransitions")).toBe(0);
});

test("durations that make no safe election are refused", () => {
  const { world, server } = election;
  const elector = (timing: Partial<typeof TIMING>) => () =>
    new LeaderElector({
      ...TIMING,
      ...timing,
      client: new LeaseClient(server, { world, own: world }),
      clock: world,
      random: { next: () => 0 },
      log: { info() {}, error() {} },
      identity: "us",
      namespace: NAMESPACE,
      name: NAME,
    });
  expect(elector({})).not.toThrow();
  expect(elector({ renewDeadlineMs: 15_000 })).toThrow("leaseDuration (15000 ms) must be longer than renewDeadline");
  expect(elector({ retryPeriodMs: 9_000 })).toThrow("longer than 1.2 times retryPeriod (9000 ms)");
});
