import { expect, test } from "bun:test";
import { readJob } from "../api/job.ts";
import { EarlyEnds } from "./early_ends.ts";

function job(ownerUid: string, name: string) {
  const owner = { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", name: "a", uid: ownerUid, controller: true };
  const labels = { "jobset.sigs.k8s.io/restart-attempt": "2" };
  const read = readJob({ metadata: { namespace: "ns", name, uid: `uid-${name}`, labels, ownerReferences: [owner] } });
  if (read === undefined) throw new Error("a Job with its names is readable");
  return read;
}

test("what is noted of a JobSet's Jobs is told once", () => {
  const ends = new EarlyEnds();
  ends.note(job("one", "a-w-0"));
  ends.note(job("one", "a-w-1"));
  ends.note(job("two", "b-w-0"));
  expect([...ends.take("one")]).toEqual([["a-w-0", 2], ["a-w-1", 2]]);
  expect([...ends.take("one")]).toEqual([]);
  expect([...ends.take("two")]).toEqual([["b-w-0", 2]]);
});

test("no more than 5,000 names are held: the oldest JobSet's go first", () => {
  const ends = new EarlyEnds();
  for (let index = 0; index < 3_000; index++) ends.note(job("old", `a-w-${index}`));
  ends.note(job("kept", "b-w-0"));
  for (let index = 0; index < 2_500; index++) ends.note(job("new", `c-w-${index}`));
  expect([...ends.take("old")]).toEqual([]);
  expect([...ends.take("kept")]).toEqual([["b-w-0", 2]]);
  expect([...ends.take("new")]).toHaveLength(2_500);
  for (let index = 0; index < 6_000; index++) ends.note(job("huge", `d-w-${index}`));
  expect([...ends.take("huge")].length).toBeLessThanOrEqual(5_000);
});
