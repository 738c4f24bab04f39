/** How the lease is given back. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Election } from "./test_election.ts";
import { AT_ONCE } from "./test_lease_server.ts";

let election = new Election();

beforeEach(() => {
  election = new Election();
});

afterEach(() => election.end());

test("release gives the lease back as client-go does, and the next one has it at once", async () => {
  const us = await election.leader();
  const next = election.candidate("next").start();
  await election.pass(5_000);
  const released = us.elector.release();
  expect(us.elector.mayWrite()).toBe(false);
  await election.pass(0);
  await released;
  expect(us.result).toBe("released");
  expect(election.server.writes.at(-2)?.body["spec"]).toEqual({
    holderIdentity: "",
    leaseDurationSeconds: 1,
    acquireTime: "2030-01-01T00:00:05.000000Z",
    renewTime: "2030-01-01T00:00:05.000000Z",
    leaseTransitions: 0,
  });
  expect(next.elector.mayWrite()).toBe(true);
  expect(election.server.spec("leaseTransitions")).toBe(1);
});

test("release during a renewal frees the lease all the same", async () => {
  const us = await election.leader();
  us.meet("PUT", { delaysMs: [500, 500] });
  await election.pass(2_100);
  us.elector.release();
  await election.pass(2_000);
  expect(us.result).toBe("released");
  expect(election.server.spec("holderIdentity")).toBe("");
});

test("release of a standby writes nothing, unless a claim of its own is without an answer", async () => {
  election.heldBy("them");
  const us = election.candidate("us").start();
  await election.pass(1_000);
  us.elector.release();
  await election.pass(0);
  expect(us.result).toBe("released");
  expect(election.server.writes).toEqual([]);

  const doubtful = election.candidate("doubtful");
  doubtful.meet("PUT", { delaysMs: [0, 1_000] });
  doubtful.start();
  await election.pass(15_000);
  expect(election.server.spec("holderIdentity")).toBe("doubtful");
  doubtful.elector.release();
  doubtful.heal();
  await election.pass(0);
  expect(election.server.spec("holderIdentity")).toBe("");
  await election.pass(1_000);
});

test("release with no server to answer ends within two seconds", async () => {
  const us = await election.leader();
  us.client.fate = () => ({ ...AT_ONCE, fails: "unanswered" });
  us.elector.release();
  await election.pass(2_000);
  expect(us.result).toBe("released");
});

test("the signal ends it at once and leaves the lease to run out", async () => {
  const us = await election.leader();
  us.abort();
  await election.pass(0);
  expect(us.result).toBe("released");
  expect(us.elector.mayWrite()).toBe(false);
  expect(election.server.spec("holderIdentity")).toBe("us");
});
