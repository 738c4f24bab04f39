/** How the lease is kept and lost. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { at } from "../base/json.ts";
import { Election } from "./test_election.ts";
import { AT_ONCE } from "./test_lease_server.ts";

let election = new Election();

beforeEach(() => {
  election = new Election();
});

afterEach(() => election.end());

test("a leader renews every retryPeriod and keeps acquireTime and leaseTransitions", async () => {
  const us = await election.leader();
  await election.pass(60_000);
  expect(us.elector.mayWrite()).toBe(true);
  expect(us.client.count("PUT")).toBe(30);
  expect(election.server.spec("acquireTime")).toBe("2030-01-01T00:00:00.000000Z");
  expect(election.server.spec("renewTime")).toBe("2030-01-01T00:01:00.000000Z");
  expect(election.server.spec("leaseTransitions")).toBe(0);
});

test("requests pass by the rate limit and are not repeated by the client", async () => {
  const us = await election.leader();
  await election.pass(2_000);
  expect(us.client.requests.map(({ privileged, retry }) => [privileged, retry]))
    .toEqual(us.client.requests.map(() => [true, false]));
});

for (
  const [what, fate] of [
    ["errors", { error: { status: 500, reason: "InternalError" } }],
    ["refused connections", { fails: "refused" }],
    ["silence", { fails: "unanswered" }],
    ["renewals that are not answered", { fails: "lostAnswer" }],
  ] as const
) {
  test(`${what}: nothing is written renewDeadline after the last renewal, and soon the lease is lost`, async () => {
    const us = await election.leader();
    us.meet("PUT", fate);
    us.meet("GET", fate);
    await election.pass(9_999);
    expect(us.elector.mayWrite()).toBe(true);
    await election.pass(2);
    expect(us.elector.mayWrite()).toBe(false);
    await election.pass(2_000);
    expect(us.result).toBe("lost");
    expect(us.elector.isLeader).toBe(false);
    expect(us.said("lost the lease")).toBe(1);
  });
}

test("a failure that passes costs nothing", async () => {
  const us = await election.leader();
  us.meet("PUT", { error: { status: 503, reason: "ServiceUnavailable" } });
  await election.pass(7_000);
  us.heal();
  await election.pass(20_000);
  expect(us.elector.mayWrite()).toBe(true);
  expect(us.said("the lease can't be used, it is tried again")).toBe(1);
  expect(us.said("the lease can be used again")).toBe(1);
});

test("a renewal counts from its begin, not from its answer", async () => {
  const us = await election.leader();
  // Begun after 2 s, answered after 6.9; no other is answered.
  us.client.fate = () => us.client.count("PUT") === 1 ? { delaysMs: [0, 4_900] } : { ...AT_ONCE, fails: "unanswered" };
  await election.pass(12_000);
  expect(us.elector.mayWrite()).toBe(true);
  await election.pass(1);
  expect(us.elector.mayWrite()).toBe(false);
});

test("a process that stood still past the deadline goes on if nobody took the lease, without writing before", async () => {
  const us = await election.leader();
  us.clock.stop();
  await election.pass(20_000);
  expect(us.elector.mayWrite()).toBe(false);
  us.meet("PUT", { delaysMs: [100, 100] });
  us.clock.resume();
  await election.pass(199);
  expect(us.elector.mayWrite()).toBe(false);
  await election.pass(1);
  expect(us.elector.mayWrite()).toBe(true);
  expect(election.server.spec("leaseTransitions")).toBe(0);
  us.heal();
  await election.pass(10_000);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a process that stood still while another took the lease has lost it", async () => {
  const us = await election.leader();
  us.clock.stop();
  const other = election.candidate("other").start();
  await election.pass(20_000);
  expect(other.elector.mayWrite()).toBe(true);
  expect(us.elector.mayWrite()).toBe(false);
  us.clock.resume();
  await election.pass(0);
  expect(us.result).toBe("lost");
  expect(other.elector.mayWrite()).toBe(true);
  expect(election.server.spec("holderIdentity")).toBe("other");
});

test("a suspended machine, whose monotonic clock stood still, may not write when it wakes", async () => {
  const us = await election.leader();
  await election.pass(1_000);
  us.clock.stop();
  await election.pass(3_600_000);
  us.clock.suspendedMs = 3_600_000;
  expect(us.elector.mayWrite()).toBe(false);
  us.meet("PUT", { error: { status: 500, reason: "InternalError" } });
  us.clock.resume();
  await election.pass(2_000);
  expect(us.result).toBe("lost");
});

test("a wall clock that jumps does not end a leadership, nor begin one", async () => {
  const us = await election.leader();
  const standby = election.candidate("standby").start();
  for (const jumpMs of [3_600_000, -7_200_000, 20_000]) {
    us.clock.wallOffsetMs += jumpMs;
    standby.clock.wallOffsetMs -= jumpMs;
    await election.pass(2_001);
    expect(us.elector.mayWrite()).toBe(true);
    expect(standby.elector.isLeader).toBe(false);
  }
  // Set back: what is left of the deadline is not longer for it.
  us.meet("PUT", { fails: "unanswered" });
  us.clock.wallOffsetMs -= 3_600_000;
  await election.pass(10_001);
  expect(us.elector.mayWrite()).toBe(false);
});

test("another's name in the Lease ends it at once", async () => {
  const us = await election.leader();
  election.heldBy("them");
  await election.pass(0);
  expect(us.elector.mayWrite()).toBe(false);
  expect(us.result).toBe("lost");
  expect(election.server.spec("holderIdentity")).toBe("them");
});

test("a conflict that changed nothing of ours is no loss", async () => {
  const us = await election.leader();
  us.client.cut();
  election.server.put({ ...Object(election.server.lease?.["spec"]) }, { labels: { a: "b" } });
  await election.pass(2_000);
  expect(us.elector.mayWrite()).toBe(true);
  expect(at(election.server.lease, "metadata", "labels")).toEqual({ a: "b" });
  expect(election.server.spec("renewTime")).toBe("2030-01-01T00:00:02.000000Z");
});

test("a Lease deleted under its leader: no write until it is made anew, at once; a standby leaves that to the leader", async () => {
  const us = await election.leader();
  const standby = election.candidate("standby").start();
  await election.pass(1_000);
  us.meet("POST", { delaysMs: [200, 0] });
  election.server.delete();
  await election.pass(100);
  expect(us.elector.mayWrite()).toBe(false);
  await election.pass(100);
  expect(us.elector.mayWrite()).toBe(true);
  expect(standby.elector.isLeader).toBe(false);
  // Where the leader is gone as well, only its time has to pass.
  us.clock.stop();
  election.server.delete();
  await election.pass(14_999);
  expect(standby.elector.isLeader).toBe(false);
  await election.pass(1);
  expect(standby.elector.mayWrite()).toBe(true);
});
