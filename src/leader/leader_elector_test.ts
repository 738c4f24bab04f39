import { afterEach, beforeEach, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import type { LogFields } from "../base/log.ts";
import { at } from "../base/json.ts";
import type { KubeRequest } from "../client/kube_client.ts";
import { LeaderElector } from "./leader_elector.ts";
import { AT_ONCE, type Fate, LeaseClient, LeaseServer, NAME, NAMESPACE, ProcessClock } from "./test_lease_server.ts";

const TIMING = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

class Candidate {
  readonly clock: ProcessClock;
  readonly client: LeaseClient;
  readonly elector: LeaderElector;
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] = [];
  readonly #abort = new AbortController();
  result: string | undefined;

  constructor(identity: string) {
    this.clock = new ProcessClock(world);
    this.client = new LeaseClient(server, { world, own: this.clock });
    const tell = (level: string, message: string, fields: LogFields | undefined) =>
      this.lines.push({ level, message, fields });
    this.elector = new LeaderElector({
      ...TIMING,
      client: this.client,
      clock: this.clock,
      random: { next: () => 0.5 },
      log: {
        info: (verbosity, message, fields) => tell(`V${verbosity}`, message, fields),
        error: (message, fields) => tell("ERROR", message, fields),
      },
      identity,
      namespace: NAMESPACE,
      name: NAME,
    });
    candidates.push(this);
  }

  start(): this {
    this.elector.run(this.#abort.signal).then((result) => this.result = result);
    return this;
  }

  abort(): void {
    this.#abort.abort();
  }

  /** From now on these requests meet this fate. */
  meet(method: KubeRequest["method"], fate: Partial<Fate>): void {
    const others = this.client.fate;
    this.client.fate = (request) => request.method === method ? { ...AT_ONCE, ...fate } : others(request);
  }

  heal(): void {
    this.client.fate = () => AT_ONCE;
  }

  said(message: string): number {
    return this.lines.filter((line) => line.message === message && line.level !== "V2").length;
  }
}

let world = new FakeClock();
let server = new LeaseServer();
let candidates: Candidate[] = [];

beforeEach(() => {
  world = new FakeClock();
  server = new LeaseServer();
  candidates = [];
});

afterEach(async () => {
  for (const candidate of candidates) candidate.abort();
  await pass(0);
  expect(world.timerCount).toBe(0);
});

function pass(ms: number): Promise<void> {
  return world.advanceAndSettle(ms);
}

/** A holder that is not ours, as client-go writes it. */
function heldBy(holderIdentity: string, fields: Readonly<Record<string, unknown>> = {}): void {
  server.put({
    holderIdentity,
    leaseDurationSeconds: 15,
    acquireTime: "2030-01-01T00:00:00.000000Z",
    renewTime: new Date(world.now()).toISOString().replace("Z", "000Z"),
    leaseTransitions: 3,
    ...fields,
  });
}

async function leader(identity = "us"): Promise<Candidate> {
  const candidate = new Candidate(identity).start();
  await pass(0);
  expect(candidate.elector.mayWrite()).toBe(true);
  return candidate;
}

test("without a Lease it is made, as client-go makes it", async () => {
  const us = new Candidate("us").start();
  let isAcquired = false;
  us.elector.acquired.then(() => isAcquired = true);
  await pass(0);
  expect(isAcquired).toBe(true);
  expect(us.elector.isLeader).toBe(true);
  expect(server.lease?.["spec"]).toEqual({
    holderIdentity: "us",
    leaseDurationSeconds: 15,
    acquireTime: "2030-01-01T00:00:00.000000Z",
    renewTime: "2030-01-01T00:00:00.000000Z",
    leaseTransitions: 0,
  });
  expect(us.said("became the leader")).toBe(1);
});

test("a leader renews every retryPeriod and keeps acquireTime and leaseTransitions", async () => {
  const us = await leader();
  await pass(60_000);
  expect(us.elector.mayWrite()).toBe(true);
  expect(us.client.count("PUT")).toBe(30);
  expect(server.spec("acquireTime")).toBe("2030-01-01T00:00:00.000000Z");
  expect(server.spec("renewTime")).toBe("2030-01-01T00:01:00.000000Z");
  expect(server.spec("leaseTransitions")).toBe(0);
});

test("requests pass by the rate limit and are not repeated by the client", async () => {
  const us = await leader();
  await pass(2_000);
  expect(us.client.requests.map(({ privileged, retry }) => [privileged, retry]))
    .toEqual(us.client.requests.map(() => [true, false]));
});

test("another's lease runs out by the time we saw it, whatever times stand in it; unknown fields stay", async () => {
  for (const renewTime of ["2001-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"]) {
    server = new LeaseServer();
    server.put({ holderIdentity: "them", leaseDurationSeconds: 15, renewTime, leaseTransitions: 3, strategy: "New" }, {
      labels: { keep: "me" },
    });
    const us = new Candidate("us").start();
    await pass(14_999);
    expect(us.elector.isLeader).toBe(false);
    await pass(1);
    expect(us.elector.mayWrite()).toBe(true);
    expect(server.spec("leaseTransitions")).toBe(4);
    expect(server.spec("strategy")).toBe("New");
    expect(at(server.lease, "metadata", "labels")).toEqual({ keep: "me" });
    expect(us.said("standing by")).toBe(1);
    us.abort();
    await pass(0);
  }
});

test("a standby asks nothing while its watch works, and takes over at the expiry after the last renewal", async () => {
  heldBy("them");
  const us = new Candidate("us").start();
  for (let renewals = 0; renewals < 20; renewals++) {
    await pass(2_000);
    heldBy("them");
  }
  await pass(14_999);
  expect(us.client.requests).toHaveLength(1);
  expect(us.elector.isLeader).toBe(false);
  await pass(1);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a change that is no renewal does not put off the expiry", async () => {
  heldBy("them");
  const us = new Candidate("us").start();
  await pass(10_000);
  server.put({ ...Object(server.lease?.["spec"]) }, { labels: { a: "b" } });
  await pass(5_000);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a lease that is given back is taken at once, the holder's own duration counts otherwise", async () => {
  heldBy("them", { leaseDurationSeconds: 60 });
  const us = new Candidate("us").start();
  await pass(59_000);
  expect(us.elector.isLeader).toBe(false);
  heldBy("", { leaseDurationSeconds: 1 });
  await pass(0);
  expect(us.elector.mayWrite()).toBe(true);
  expect(server.spec("leaseTransitions")).toBe(4);
});

test("without a watch the Lease is read every retryPeriod and a bit", async () => {
  heldBy("them");
  const us = new Candidate("us");
  us.client.stream = () => Promise.reject(new Error("no watch today"));
  us.start();
  await pass(12_000);
  expect(us.client.count("GET")).toBe(4);
  heldBy("");
  await pass(4_400);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a watch that died without a word is noticed at the expiry, and the Lease is read from then on", async () => {
  heldBy("them");
  const us = new Candidate("us").start();
  await pass(0);
  server.watch = () => () => {};
  us.client.cut();
  await pass(1_000);
  for (let renewals = 0; renewals < 12; renewals++) {
    heldBy("them");
    await pass(2_000);
  }
  expect(us.elector.isLeader).toBe(false);
  heldBy("");
  await pass(4_400);
  expect(us.elector.mayWrite()).toBe(true);
});

test("of several standbys one wins, the others wait for it", async () => {
  heldBy("them");
  const all = ["a", "b", "c"].map((name) => new Candidate(name).start());
  await pass(15_000);
  expect(all.filter(({ elector }) => elector.mayWrite())).toHaveLength(1);
  await pass(60_000);
  expect(all.filter(({ elector }) => elector.mayWrite())).toHaveLength(1);
  expect(server.spec("leaseTransitions")).toBe(4);
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
    const us = await leader();
    us.meet("PUT", fate);
    us.meet("GET", fate);
    await pass(9_999);
    expect(us.elector.mayWrite()).toBe(true);
    await pass(2);
    expect(us.elector.mayWrite()).toBe(false);
    await pass(2_000);
    expect(us.result).toBe("lost");
    expect(us.elector.isLeader).toBe(false);
    expect(us.said("lost the lease")).toBe(1);
  });
}

test("a failure that passes costs nothing", async () => {
  const us = await leader();
  us.meet("PUT", { error: { status: 503, reason: "ServiceUnavailable" } });
  await pass(7_000);
  us.heal();
  await pass(20_000);
  expect(us.elector.mayWrite()).toBe(true);
  expect(us.said("the lease can't be used, it is tried again")).toBe(1);
  expect(us.said("the lease can be used again")).toBe(1);
});

test("a renewal counts from its begin, not from its answer", async () => {
  const us = await leader();
  // Begun after 2 s, answered after 6.9; no other is answered.
  us.client.fate = () => us.client.count("PUT") === 1 ? { delaysMs: [0, 4_900] } : { ...AT_ONCE, fails: "unanswered" };
  await pass(12_000);
  expect(us.elector.mayWrite()).toBe(true);
  await pass(1);
  expect(us.elector.mayWrite()).toBe(false);
});

test("a process that stood still past the deadline goes on if nobody took the lease, without writing before", async () => {
  const us = await leader();
  us.clock.stop();
  await pass(20_000);
  expect(us.elector.mayWrite()).toBe(false);
  us.meet("PUT", { delaysMs: [100, 100] });
  us.clock.resume();
  await pass(199);
  expect(us.elector.mayWrite()).toBe(false);
  await pass(1);
  expect(us.elector.mayWrite()).toBe(true);
  expect(server.spec("leaseTransitions")).toBe(0);
  us.heal();
  await pass(10_000);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a process that stood still while another took the lease has lost it", async () => {
  const us = await leader();
  us.clock.stop();
  const other = new Candidate("other").start();
  await pass(20_000);
  expect(other.elector.mayWrite()).toBe(true);
  expect(us.elector.mayWrite()).toBe(false);
  us.clock.resume();
  await pass(0);
  expect(us.result).toBe("lost");
  expect(other.elector.mayWrite()).toBe(true);
  expect(server.spec("holderIdentity")).toBe("other");
});

test("a suspended machine, whose monotonic clock stood still, may not write when it wakes", async () => {
  const us = await leader();
  await pass(1_000);
  us.clock.stop();
  await pass(3_600_000);
  us.clock.suspendedMs = 3_600_000;
  expect(us.elector.mayWrite()).toBe(false);
  us.meet("PUT", { error: { status: 500, reason: "InternalError" } });
  us.clock.resume();
  await pass(2_000);
  expect(us.result).toBe("lost");
});

test("a wall clock that jumps does not end a leadership, nor begin one", async () => {
  const us = await leader();
  const standby = new Candidate("standby").start();
  for (const jumpMs of [3_600_000, -7_200_000, 20_000]) {
    us.clock.wallOffsetMs += jumpMs;
    standby.clock.wallOffsetMs -= jumpMs;
    await pass(2_001);
    expect(us.elector.mayWrite()).toBe(true);
    expect(standby.elector.isLeader).toBe(false);
  }
  // Set back: what is left of the deadline is not longer for it.
  us.meet("PUT", { fails: "unanswered" });
  us.clock.wallOffsetMs -= 3_600_000;
  await pass(10_001);
  expect(us.elector.mayWrite()).toBe(false);
});

test("another's name in the Lease ends it at once", async () => {
  const us = await leader();
  heldBy("them");
  await pass(0);
  expect(us.elector.mayWrite()).toBe(false);
  expect(us.result).toBe("lost");
  expect(server.spec("holderIdentity")).toBe("them");
});

test("a conflict that changed nothing of ours is no loss", async () => {
  const us = await leader();
  us.client.cut();
  server.put({ ...Object(server.lease?.["spec"]) }, { labels: { a: "b" } });
  await pass(2_000);
  expect(us.elector.mayWrite()).toBe(true);
  expect(at(server.lease, "metadata", "labels")).toEqual({ a: "b" });
  expect(server.spec("renewTime")).toBe("2030-01-01T00:00:02.000000Z");
});

test("a Lease deleted under its leader: no write until it is made anew, at once; a standby leaves that to the leader", async () => {
  const us = await leader();
  const standby = new Candidate("standby").start();
  await pass(1_000);
  us.meet("POST", { delaysMs: [200, 0] });
  server.delete();
  await pass(100);
  expect(us.elector.mayWrite()).toBe(false);
  await pass(100);
  expect(us.elector.mayWrite()).toBe(true);
  expect(standby.elector.isLeader).toBe(false);
  // Where the leader is gone as well, only its time has to pass.
  us.clock.stop();
  server.delete();
  await pass(14_999);
  expect(standby.elector.isLeader).toBe(false);
  await pass(1);
  expect(standby.elector.mayWrite()).toBe(true);
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
    server.put(spec);
    const us = new Candidate("us").start();
    await pass(1);
    expect(us.elector.mayWrite()).toBe(true);
    const transitions = server.spec("leaseTransitions");
    expect(typeof transitions === "number" && transitions >= 0 && transitions < 2 ** 31).toBe(true);
    expect(server.spec("acquireTime")).toMatch(/^2030-01-01T00:00:00\.00\d000Z$/);
  });
}

test("answers that are no Lease are failures", async () => {
  const us = new Candidate("us");
  us.client.request = () => Promise.resolve("<html>log in first</html>");
  us.start();
  await pass(30_000);
  expect(us.elector.isLeader).toBe(false);
  expect(us.said("the lease can't be used, it is tried again")).toBe(1);
});

test("without permission one line says so, and it is tried on", async () => {
  const us = new Candidate("us");
  us.client.fate = () => ({ ...AT_ONCE, error: { status: 403, reason: "Forbidden" } });
  us.start();
  await pass(60_000);
  const errors = us.lines.filter(({ level }) => level === "ERROR");
  expect(errors).toHaveLength(1);
  expect(errors[0]?.fields).toEqual({ lease: `${NAMESPACE}/${NAME}`, error: "refused: Forbidden" });
  us.heal();
  await pass(4_400);
  expect(us.elector.mayWrite()).toBe(true);
});

test("a claim without an answer that took effect is recognised as ours", async () => {
  const us = new Candidate("us");
  us.meet("POST", { fails: "lostAnswer" });
  us.start();
  await pass(5_000);
  us.heal();
  await pass(4_400);
  expect(us.elector.mayWrite()).toBe(true);
  expect(server.spec("leaseTransitions")).toBe(0);
});

test("release gives the lease back as client-go does, and the next one has it at once", async () => {
  const us = await leader();
  const next = new Candidate("next").start();
  await pass(5_000);
  const released = us.elector.release();
  expect(us.elector.mayWrite()).toBe(false);
  await pass(0);
  await released;
  expect(us.result).toBe("released");
  expect(server.writes.at(-2)?.body["spec"]).toEqual({
    holderIdentity: "",
    leaseDurationSeconds: 1,
    acquireTime: "2030-01-01T00:00:05.000000Z",
    renewTime: "2030-01-01T00:00:05.000000Z",
    leaseTransitions: 0,
  });
  expect(next.elector.mayWrite()).toBe(true);
  expect(server.spec("leaseTransitions")).toBe(1);
});

test("release during a renewal frees the lease all the same", async () => {
  const us = await leader();
  us.meet("PUT", { delaysMs: [500, 500] });
  await pass(2_100);
  us.elector.release();
  await pass(2_000);
  expect(us.result).toBe("released");
  expect(server.spec("holderIdentity")).toBe("");
});

test("release of a standby writes nothing, unless a claim of its own is without an answer", async () => {
  heldBy("them");
  const us = new Candidate("us").start();
  await pass(1_000);
  us.elector.release();
  await pass(0);
  expect(us.result).toBe("released");
  expect(server.writes).toEqual([]);

  const doubtful = new Candidate("doubtful");
  doubtful.meet("PUT", { delaysMs: [0, 1_000] });
  doubtful.start();
  await pass(15_000);
  expect(server.spec("holderIdentity")).toBe("doubtful");
  doubtful.elector.release();
  doubtful.heal();
  await pass(0);
  expect(server.spec("holderIdentity")).toBe("");
  await pass(1_000);
});

test("release with no server to answer ends within two seconds", async () => {
  const us = await leader();
  us.client.fate = () => ({ ...AT_ONCE, fails: "unanswered" });
  us.elector.release();
  await pass(2_000);
  expect(us.result).toBe("released");
});

test("the signal ends it at once and leaves the lease to run out", async () => {
  const us = await leader();
  us.abort();
  await pass(0);
  expect(us.result).toBe("released");
  expect(us.elector.mayWrite()).toBe(false);
  expect(server.spec("holderIdentity")).toBe("us");
});

test("durations that make no safe election are refused", () => {
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
