import { expect, test } from "bun:test";
import { readReigns } from "./reigns.ts";

function entry(second: number, who: string, verb: string, resource: string, code = 200) {
  const time = (part: string) => `2030-01-01T00:00:${String(second).padStart(2, "0")}.${part}Z`;
  return {
    stage: "ResponseComplete",
    verb,
    user: { extra: { "authentication.kubernetes.io/credential-id": [who] } },
    objectRef: { resource },
    responseStatus: { code },
    requestReceivedTimestamp: time("000100"),
    stageTimestamp: time("000200"),
  };
}

test("a write after another took the lease is an intrusion; a refused claim changes nothing", () => {
  const before = [
    entry(1, "a", "create", "leases", 201),
    entry(2, "a", "create", "jobs"),
    entry(3, "b", "update", "leases", 409),
    entry(4, "a", "patch", "jobsets"),
    entry(5, "b", "update", "leases"),
    entry(6, "b", "create", "jobs"),
    entry(7, "b", "get", "jobs"),
  ];
  const fine = readReigns(before);
  expect(fine.intrusions).toEqual([]);
  expect(fine.handoversMs).toEqual([1000]);
  expect([...fine.writes]).toEqual([["a", 2], ["b", 1]]);
  expect(readReigns([...before, entry(8, "a", "delete", "jobs")]).intrusions).toHaveLength(1);
});
