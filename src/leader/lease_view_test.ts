import { expect, test } from "bun:test";
import { type Lease, readLease } from "./lease.ts";
import { LeaseView } from "./lease_view.ts";

function lease(holderIdentity: string, resourceVersion: string, renewTime = ""): Lease {
  const read = readLease({
    metadata: { resourceVersion },
    spec: { holderIdentity, leaseDurationSeconds: 15, renewTime },
  });
  if (read === undefined) throw new Error("no lease");
  return read;
}

test("an event of the time before our own write is no news", () => {
  const view = new LeaseView();
  view.answered(lease("us", "1000"), 5);
  expect(view.told({ kind: "present", lease: lease("them", "999") }, 6)).toBe(false);
  expect(view.told({ kind: "present", lease: lease("us", "1000") }, 6)).toBe(false);
  expect(view.told({ kind: "absent", resourceVersion: "998" }, 6)).toBe(false);
  expect(view.holder).toBe("us");
  expect(view.told({ kind: "present", lease: lease("them", "1001") }, 6)).toBe(true);
  expect(view.holder).toBe("them");
});

test("what the watch told before a deletion does not bring the Lease back", () => {
  const view = new LeaseView();
  view.answered(lease("us", "1000"), 5);
  expect(view.told({ kind: "absent", resourceVersion: "1002" }, 6)).toBe(true);
  expect(view.told({ kind: "present", lease: lease("them", "1001") }, 7)).toBe(false);
  expect(view.known.kind).toBe("absent");
});

test("a record is as old as its first sight, on every way that it is seen again", () => {
  const view = new LeaseView();
  view.answered(lease("them", "1000", "a"), 5);
  view.overtaken();
  view.answered(lease("them", "1001", "a"), 6);
  expect(view.told({ kind: "present", lease: lease("them", "1002", "a") }, 7)).toBe(false);
  expect(view.known).toMatchObject({ kind: "present", observedAtMs: 5, lease: { resourceVersion: "1002" } });
  expect(view.told({ kind: "present", lease: lease("them", "1003", "b") }, 8)).toBe(true);
  expect(view.known).toMatchObject({ observedAtMs: 8 });
});
