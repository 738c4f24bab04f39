import { expect, test } from "bun:test";
import { ended, job, jobSet, TestBench, uidOf } from "./test_bench.ts";
import { TestKnowledge } from "./test_knowledge.ts";

const UID = uidOf("a-0");

/** A Job in two versions, of which the second is known. */
function knowing() {
  const bench = new TestBench();
  bench.put("jobsets", jobSet(), { user: "user" });
  bench.put("jobs", job("a-0"));
  const knowledge = new TestKnowledge(bench);
  knowledge.learn("js", UID);
  const first = knowledge.knownJob("js-a-0");
  bench.change(UID, { status: ended("Complete") }, "job-controller");
  knowledge.learn(UID);
  expect(bench.details).toEqual([]);
  return { bench, knowledge, first, second: knowledge.knownJob("js-a-0") };
}

test("a cache that goes back in time is found", () => {
  const { bench, knowledge, first, second } = knowing();
  knowledge.claim({ kind: "upsert", before: second, after: first });
  expect(bench.details.join()).toContain("is known at 2, after it was at 3");
});

test("a new life may know less than the one before", () => {
  const { bench } = knowing();
  new TestKnowledge(bench).learn(UID);
  expect(bench.details).toEqual([]);
});

test("a Job that is gone and comes back is found, its successor is right", () => {
  const { bench, knowledge, second } = knowing();
  bench.remove(UID, "user");
  knowledge.miss("jobs", "js-a-0");
  expect(bench.details).toEqual([]);
  bench.put("jobs", job("a-1"));
  knowledge.claim({ kind: "upsert", after: { ...second, resourceVersion: "5" } });
  expect(bench.details.join()).toContain("came back at 5");
  const right = knowing();
  right.bench.remove(UID, "user");
  right.knowledge.miss("jobs", "js-a-0");
  right.bench.put("jobs", job("a-0", { jobAttempt: 1 }), { user: "user" });
  right.knowledge.learn(uidOf("a-0", 0, 1));
  expect(right.knowledge.knownJob("js-a-0").uid).toBe(uidOf("a-0", 0, 1));
  expect(right.bench.details).toEqual([]);
});

test("a Job taken for gone that is stored is found, one that has lost its owner is right", () => {
  const { bench, knowledge } = knowing();
  knowledge.miss("jobs", "js-a-0");
  expect(bench.details.join()).toContain("is taken for gone");
  const orphaned = knowing();
  orphaned.bench.change(UID, { metadata: { ownerReferences: [] } }, "garbage-collector");
  orphaned.knowledge.miss("jobs", "js-a-0");
  expect(orphaned.bench.details).toEqual([]);
});

test("the end of what was not known so is found", () => {
  const { bench, knowledge, first } = knowing();
  bench.remove(UID, "user");
  bench.forget();
  knowledge.claim({ kind: "delete", before: first });
  expect(bench.details.join()).toContain("was not known so");
});

test("what never was is found, and so is what was otherwise", () => {
  const { bench, knowledge, second } = knowing();
  knowledge.claim({ kind: "upsert", before: second, after: { ...second, resourceVersion: "99" } });
  expect(bench.details.join()).toContain("is known at 99, which never was");
  for (
    const change of [{ suspend: true }, { ready: 1 }, { isDeleting: true }, { restartAttempt: 1 }, {
      phase: { kind: "active" },
    }] as const
  ) {
    const { bench, knowledge, first } = knowing();
    bench.change(UID, { metadata: { labels: Object(job("a-0")["metadata"]).labels } }, "user");
    const stored = { ...first, phase: { kind: "complete" }, resourceVersion: "4" } as const;
    knowledge.claim({ kind: "upsert", before: first, after: { ...stored, ...change } });
    expect(bench.details.join()).toContain("is not what was stored at 4");
    const { bench: right, knowledge: honest } = knowing();
    right.change(UID, { metadata: { labels: Object(job("a-0")["metadata"]).labels } }, "user");
    honest.claim({ kind: "upsert", before: first, after: stored });
    expect(right.details).toEqual([]);
  }
  const other = knowing();
  other.knowledge.claim({ kind: "upsert", after: { ...other.second, name: "js-a-1", uid: uidOf("a-1") } });
  expect(other.bench.details.join()).toContain("which was of another");
});
