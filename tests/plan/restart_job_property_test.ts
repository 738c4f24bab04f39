/** Restarts of single Jobs until nothing is left to do: each failure is counted once, and no other Job is touched. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { asObject, type JsonObject } from "../../src/base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import { type Job, readJob } from "../../src/api/job.ts";
import { type JobSet, readJobSet } from "../../src/api/job_set.ts";
import { jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { plan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/types.ts";

const PREFIX = "jobset.sigs.k8s.io/";
const REPLICAS = 3;
const NAMES = ["a", "b"].flatMap((name) => [0, 1, 2].map((index) => `js-${name}-${index}`));
const SURROUNDINGS = { gates: { ...DEFAULT_FEATURE_GATES, RestartJob: true }, priorities: undefined };
/** Each Job of six: a label, a count, a deletion, a creation; and one that finds nothing to do. */
const MAX_PLANS = 6 * 4 + 2;

type Phase = "Failed" | "FailureTarget" | "Complete" | undefined;

interface OddJob {
  /** Its restarts as they are stored. */
  readonly counted: number;
  /** What its label says of them. */
  readonly label: "same" | "older" | "none";
  readonly phase: Phase;
  readonly isMissing: boolean;
}

interface OddWorld {
  readonly jobs: readonly OddJob[];
  readonly restartStrategy: string;
  readonly action: string;
}

const oddJob: fc.Arbitrary<OddJob> = fc.record({
  counted: fc.constantFrom(0, 0, 1, 5),
  label: fc.constantFrom("same", "same", "older", "none"),
  phase: fc.constantFrom<Phase>("Failed", "FailureTarget", "Complete", undefined, undefined),
  isMissing: fc.constantFrom(false, false, false, true),
});
const oddWorld: fc.Arbitrary<OddWorld> = fc.record({
  jobs: fc.array(oddJob, { minLength: NAMES.length, maxLength: NAMES.length }),
  restartStrategy: fc.constantFrom("Recreate", "BlockingRecreate"),
  action: fc.constantFrom("RestartJob", "RestartJobAndIgnoreMaxRestarts"),
});

class World {
  readonly jobs = new Map<string, JsonObject>();
  #body: JsonObject;

  constructor({ jobs, restartStrategy, action }: OddWorld) {
    const lists = [jobs.slice(0, REPLICAS), jobs.slice(REPLICAS)].map((list) => list.map(({ counted }) => counted));
    this.#body = {
      metadata: { name: "js", namespace: "ns", uid: "u", resourceVersion: "1" },
      spec: {
        replicatedJobs: ["a", "b"].map((name) => ({ name, replicas: REPLICAS })),
        // Complete Jobs alone must not end it.
        successPolicy: { operator: "All", targetReplicatedJobs: [] },
        failurePolicy: { maxRestarts: 1000, restartStrategy, rules: [{ name: "one", action }] },
      },
      status: {
        restarts: 0,
        replicatedJobsStatus: ["a", "b"].map((name, index) => ({ name, jobRestarts: lists[index] })),
      },
    };
    for (const [index, name] of NAMES.entries()) {
      const { counted = 0, label = "same", phase, isMissing = false } = jobs[index] ?? {};
      if (isMissing) continue;
      const attempt = { same: counted, older: counted - 1, none: undefined }[label];
      this.#make(name, { attempt: attempt === -1 ? 0 : attempt, phase, uid: `old ${name}` });
    }
  }

  get jobSet(): JobSet {
    const view = readJobSet(this.#body);
    if (view === undefined) throw new Error("the JobSet has its names, so it must be readable");
    return view;
  }

  get views(): readonly Job[] {
    return [...this.jobs.values()].map((body) => readJob(body)).filter((view) => view !== undefined);
  }

  get counts(): readonly number[] {
    return this.jobSet.status.replicatedJobs.flatMap(({ jobRestarts }) => jobRestarts);
  }

  plan(): Plan {
    return plan({
      ...nothingKnown(),
      ...SURROUNDINGS,
      jobSet: this.jobSet,
      jobs: this.views,
      hasService: true,
      now: 0,
    });
  }

  /** Each request is answered at once, and what is deleted is gone. */
  apply({ deletes, creates, patches, status }: Plan): void {
    const build = jobFactory(this.jobSet, SURROUNDINGS);
    for (const { name } of deletes) this.jobs.delete(name);
    for (const { name, change } of patches) {
      if (change.kind !== "label") throw new Error(`no patch of kind ${change.kind} is expected`);
      const old = this.jobs.get(name) ?? {};
      const metadata = asObject(old["metadata"]);
      const labels = {
        ...asObject(metadata?.["labels"]),
        [`${PREFIX}job-restart-attempt`]: `${change.jobRestartAttempt}`,
      };
      this.jobs.set(name, { ...old, metadata: { ...metadata, labels } });
    }
    for (const create of creates) {
      const body = build(create);
      this.jobs.set(create.name, { ...body, metadata: { ...asObject(body["metadata"]), uid: `new ${create.name}` } });
    }
    if (status !== undefined) {
      this.#body = { ...this.#body, status: { ...asObject(this.#body["status"]), ...status.fields } };
    }
  }

  #make(name: string, { attempt, phase, uid }: { attempt: number | undefined; phase: Phase; uid: string }): void {
    const own = attempt === undefined ? {} : { [`${PREFIX}job-restart-attempt`]: String(attempt) };
    const owner = { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", name: "js", uid: "u", controller: true };
    this.jobs.set(name, {
      metadata: {
        name,
        namespace: "ns",
        uid,
        labels: {
          [`${PREFIX}restart-attempt`]: "0",
          [`${PREFIX}replicatedjob-name`]: name.split("-")[1] ?? "",
          ...own,
        },
        ownerReferences: [owner],
      },
      status: phase === undefined ? {} : { conditions: [{ type: phase, status: "True" }] },
    });
  }
}

describe("restarts of single Jobs", () => {
  test("restart job: each failure is counted exactly once, in one write each, and its Job made again (R67, R10)", () => {
    fc.assert(
      fc.property(oddWorld, (odd) => {
        if (odd.jobs.every(({ phase }) => phase === "Complete")) return; // A finished run restarts nothing.
        const start = new World(odd);
        const failing = new Set(
          odd.jobs.flatMap(({ phase, label, counted, isMissing }, index) => {
            const isOld = label === "older" && counted > 0;
            const isFailed = phase === "Failed" || phase === "FailureTarget";
            return isFailed && !isOld && !isMissing ? [NAMES[index] ?? ""] : [];
          }),
        );
        const replaced = new Set(
          NAMES.filter((name, index) => {
            const { label = "same", counted = 0, isMissing = false } = odd.jobs[index] ?? {};
            return failing.has(name) || isMissing || (label === "older" && counted > 0);
          }),
        );
        const before = start.counts;
        let last: readonly number[] = before;
        for (let plans = 0;; plans++) {
          expect(plans).toBeLessThan(MAX_PLANS);
          const next = start.plan();
          if (next.deletes.length + next.creates.length + next.patches.length === 0 && next.status === undefined) break;
          expect(next.finished).toBeUndefined();
          start.apply(next);
          expect(start.counts.reduce((sum, count, index) => sum + count - (last[index] ?? 0), 0)).toBeLessThanOrEqual(
            1,
          );
          last = start.counts;
        }
        expect(last).toEqual(NAMES.map((name, index) => (before[index] ?? 0) + (failing.has(name) ? 1 : 0)));
        expect(start.views.map(({ name }) => name).sort()).toEqual(NAMES);
        for (const { name, uid } of start.views) expect(uid).toBe(replaced.has(name) ? `new ${name}` : `old ${name}`);
      }),
      { numRuns: 300 },
    );
  });
});
