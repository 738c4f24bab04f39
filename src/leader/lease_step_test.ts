import { expect, test } from "bun:test";
import { readLease } from "./lease.ts";
import { type Facts, type KnownLease, type Leading, leaseStep } from "./lease_step.ts";

const TIMING = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

function present(holderIdentity: string, observedAtMs: number): KnownLease {
  const lease = readLease({
    metadata: { resourceVersion: "7" },
    spec: { holderIdentity, leaseDurationSeconds: 20 },
  });
  if (lease === undefined) throw new Error("no lease");
  return { kind: "present", lease, observedAtMs };
}

/** In few words what is done; the numbers in it are milliseconds. */
function step(facts: Partial<Facts>): string {
  const action = leaseStep({
    timing: TIMING,
    identity: "us",
    nowMs: 100_000,
    known: { kind: "unknown" },
    notBeforeMs: 0,
    pollAtMs: undefined,
    leading: undefined,
    ...facts,
  });
  if (action.kind === "wait") return `wait ${action.ms}`;
  return action.kind === "lost" ? `lost: ${action.why}` : `${action.kind} ${action.timeoutMs}`;
}

function leading(sinceRenewalMs: number, lastChance?: Leading["lastChance"]): Partial<Facts> {
  return { leading: { sinceRenewalMs, lastChance }, known: present("us", 90_000) };
}

test("a standby reads what it does not know, makes what is not there, takes what is free", () => {
  expect(step({})).toBe("read 5000");
  expect(step({ known: { kind: "absent" } })).toBe("create 5000");
  expect(step({ known: present("", 99_999) })).toBe("claim 5000");
  expect(step({ known: present("us", 99_999) })).toBe("claim 5000");
  expect(step({ known: present("them", 80_000) })).toBe("claim 5000");
});

test("a standby waits for the expiry by the lease's own duration, or looks for changes before", () => {
  expect(step({ known: present("them", 80_000.5) })).toBe("wait 1");
  expect(step({ known: present("them", 95_000) })).toBe("wait 15000");
  expect(step({ known: present("them", 95_000), pollAtMs: 103_000 })).toBe("wait 3000");
  expect(step({ known: present("them", 95_000), pollAtMs: 100_000 })).toBe("read 5000");
  expect(step({ known: present("them", 80_000), notBeforeMs: 101_000 })).toBe("wait 1000");
});

test("a Lease that vanished belongs to its holder until it would have run out", () => {
  const before = present("them", 95_000);
  if (before.kind !== "present") throw new Error("not present");
  expect(step({ known: { kind: "absent", before } })).toBe("wait 15000");
  expect(step({ nowMs: 115_000, known: { kind: "absent", before } })).toBe("create 5000");
});

test("a leader renews every retryPeriod; a try lasts half of the deadline, and never beyond it", () => {
  expect(step({ ...leading(500), notBeforeMs: 101_500 })).toBe("wait 1500");
  expect(step({ ...leading(2_000), notBeforeMs: 100_000 })).toBe("claim 5000");
  expect(step({ ...leading(7_000) })).toBe("claim 3000");
  expect(step({ ...leading(9_000), notBeforeMs: 102_000 })).toBe("wait 1000");
});

test("past the deadline a leader asks once more, and then it is over", () => {
  expect(step(leading(10_000))).toBe("claim 2000");
  expect(step(leading(11_000, { untilMs: 101_000, hasFailed: false }))).toBe("claim 2000");
  expect(step(leading(11_000, { untilMs: 101_000, hasFailed: true }))).toBe("lost: it was not renewed for 11000 ms");
  expect(step(leading(13_000, { untilMs: 99_000, hasFailed: false }))).toBe("lost: it was not renewed for 13000 ms");
});

test("a leader that sees another's name, or none, has lost the lease", () => {
  expect(step({ ...leading(1), known: present("them", 99_000) })).toBe('lost: "them" holds it');
  expect(step({ ...leading(1), known: present("", 99_000) })).toBe("lost: somebody freed it");
});
