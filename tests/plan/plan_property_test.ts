/** What holds for the plan of any JobSet, however odd. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { asInteger, asObject, type JsonObject } from "../../src/base/json.ts";
import { DEFAULT_FEATURE_GATES, type FeatureGates } from "../../src/api/feature_gates.ts";
import { type Job, readJob } from "../../src/api/job.ts";
import { type JobSet, readJobSet } from "../../src/api/job_set.ts";
import { jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { plan } from "../../src/plan/plan.ts";
import type { Plan, PlanInput } from "../../src/plan/types.ts";
import { oddJobs, oddJobSet } from "./odd_shapes.ts";

/** Some thousands at most, whatever `replicas` says. */
const MAX_CREATES = 5_000;

interface Odd {
  readonly jobSet: JsonObject;
  readonly jobs: readonly JsonObject[];
  readonly hasService: boolean;
  readonly gates?: FeatureGates;
}

const gates = fc.record({
  InPlaceRestart: fc.boolean(),
  RestartJob: fc.boolean(),
  ElasticJobSet: fc.boolean(),
  ExecutionAttemptsTracking: fc.boolean(),
  MutablePodResourcesForSuspendedJobSets: fc.boolean(),
  TLSOptions: fc.constant(true),
});
const world = fc.record({ jobSet: oddJobSet, jobs: oddJobs, hasService: fc.boolean(), gates });
const RUNS = { numRuns: 150 };
/** As many as there are odd Jobs, each of which may fail, and some more. */
const MAX_WRITES = 12;

function inputOf({ jobSet, jobs, hasService, gates = DEFAULT_FEATURE_GATES }: Odd) {
  return {
    jobSet: viewOf(jobSet),
    jobs: jobs.map((job) => readJob(job)).filter((job): job is Job => job !== undefined),
    hasService,
    claims: new Set<string>(),
    succeededAndGone: new Map([["js-a-0", 0], ["js-b-1", 1], ["js-a-9", 0]]),
    inFlight: nothingKnown().inFlight,
    outdated: new Set<string>(),
    now: Date.UTC(2026, 0, 1, 12),
    gates,
    priorities: { byClass: new Map([["high", 1000]]), globalDefault: -1 },
    pods: undefined,
  } satisfies PlanInput;
}

function viewOf(body: JsonObject): JobSet {
  const view = readJobSet(body);
  if (view === undefined) throw new Error("the JobSet has its names, so it must be readable");
  return view;
}

describe("plan of any stored objects", () => {
  test("plan: neither it nor any body that it asks for throws, and it stays bounded", () => {
    fc.assert(
      fc.property(world, (odd) => {
        const input = inputOf(odd);
        const result = plan(input);
        expect(result.creates.length).toBeLessThanOrEqual(MAX_CREATES);
        expect((result.vanished ?? []).length).toBeLessThanOrEqual(MAX_CREATES);
        const build = jobFactory(input.jobSet, input);
        for (const create of result.creates.slice(0, 3)) {
          expect(JSON.parse(JSON.stringify(build(create)))).toHaveProperty("metadata.name", create.name);
        }
      }),
      RUNS,
    );
  });

  test("plan: the same input gives the same plan, and nothing of the input changes", () => {
    fc.assert(
      fc.property(world, (odd) => {
        const before = JSON.stringify(odd);
        expect(plan(inputOf(odd))).toEqual(plan(inputOf(odd)));
        expect(JSON.stringify(odd)).toBe(before);
      }),
      RUNS,
    );
  });

  test("plan: the order of the Jobs is irrelevant (R12)", () => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.nat()), (odd, keys) => {
        const input = inputOf(odd);
        const shuffled = [...input.jobs].map((job) => ({ job, key: Number(keys.next().value) }))
          .sort((left, right) => left.key - right.key).map(({ job }) => job);
        const byUid = (left: { uid: string }, right: { uid: string }) => left.uid < right.uid ? -1 : 1;
        const normal = (value: Plan) => ({
          ...value,
          deletes: value.deletes.toSorted(byUid),
          patches: value.patches.toSorted(byUid),
          problems: value.problems.toSorted(),
        });
        expect(normal(plan({ ...input, jobs: shuffled }))).toEqual(normal(plan(input)));
      }),
      RUNS,
    );
  });

  test("plan: once its status is written, an unchanged world asks for no further write (R12)", () => {
    fc.assert(
      fc.property(world, (odd) => {
        const last = settle(odd);
        expect(last.status).toBeUndefined();
        expect(last.finished).toBeUndefined();
      }),
      RUNS,
    );
  });

  test("plan: a Job is never created while one of its name exists, whatever its state (R06)", () => {
    fc.assert(
      fc.property(world, (odd) => {
        const names = new Set(inputOf(odd).jobs.map(({ name }) => name));
        expect(plan(inputOf(odd)).creates.filter(({ name }) => names.has(name))).toEqual([]);
      }),
      RUNS,
    );
  });

  test("plan: restarts never go down and rise by one at most", () => {
    fc.assert(
      fc.property(world, (odd) => {
        const input = inputOf(odd);
        const { restarts: before } = input.jobSet.status;
        const after = asInteger(plan(input).status?.fields["restarts"]) ?? before;
        expect(after === before || after === before + 1).toBe(true);
      }),
      RUNS,
    );
  });

  test("plan: one plan counts one restart of one Job at most, and none beside a restart of all (R67)", () => {
    fc.assert(
      fc.property(world, (odd) => {
        const input = inputOf(odd);
        const { status } = plan(input);
        const before = jobRestartsIn(input.jobSet);
        const after = jobRestartsIn(
          viewOf({ ...odd.jobSet, status: { ...asObject(odd.jobSet["status"]), ...status?.fields } }),
        );
        const raised = input.jobSet.replicatedJobs.flatMap(({ name, replicas }) => {
          const [old = [], now = []] = [before.get(name), after.get(name)];
          if (JSON.stringify(old) === JSON.stringify(now)) return [];
          expect(now.length).toBe(replicas);
          return now.map((count, index) => count - (old[index] ?? 0)).filter((difference) => difference !== 0);
        });
        expect(raised.length).toBeLessThanOrEqual(1);
        expect(raised.every((difference) => difference === 1 && input.gates.RestartJob)).toBe(true);
        if (raised.length > 0) expect(status?.fields["restarts"]).toBe(input.jobSet.status.restarts);
      }),
      { numRuns: 300 },
    );
  });

  test("plan: no Job is patched twice, none is that does not exist or is being deleted", () => {
    fc.assert(
      fc.property(world, (odd) => {
        const input = inputOf(odd);
        const uids = plan(input).patches.map(({ uid }) => uid);
        expect(new Set(uids).size).toBe(uids.length);
        const patchable = input.jobs.filter(({ isDeleting }) => !isDeleting).map(({ uid }) => uid);
        expect(uids.filter((uid) => !patchable.includes(uid))).toEqual([]);
      }),
      RUNS,
    );
  });
});

function jobRestartsIn({ status }: JobSet): ReadonlyMap<string, readonly number[]> {
  return new Map(status.replicatedJobs.map(({ name, jobRestarts }) => [name, jobRestarts]));
}

test("plan: 2,147,483,647 replicas are counted, not listed", () => {
  const body = {
    metadata: { name: "js", namespace: "ns", uid: "u" },
    spec: {
      replicatedJobs: ["a", "b"].map((name) => ({ name, replicas: 2 ** 31 - 1 })),
      volumeClaimPolicies: [],
    },
    status: { restarts: 0 },
  };
  const input = inputOf({ jobSet: body, jobs: [], hasService: true });
  expect(plan(input).creates.length).toBe(MAX_CREATES);
  const refused = new Set(plan(input).creates.map(({ name }) => name));
  expect(plan({ ...input, inFlight: { ...nothingKnown().inFlight, refused } }).creates).toEqual([]);
  const gone = { ...body, status: { restarts: 0, replicatedJobsStatus: [{ name: "a", succeeded: 2 ** 31 - 1 }] } };
  const kept = plan({ ...input, jobSet: viewOf(gone) });
  expect(kept.vanished?.length).toBe(MAX_CREATES);
  expect(kept.creates.every(({ replicatedJobIndex }) => replicatedJobIndex === 1)).toBe(true);
});

/** Writes each plan's status and plans again; few writes may follow from one state of the world. */
function settle(odd: Odd): Plan {
  let jobSet = odd.jobSet;
  let result = plan(inputOf(odd));
  for (let writes = 0; writes < MAX_WRITES && result.status !== undefined; writes++) {
    jobSet = { ...jobSet, status: { ...asObject(jobSet["status"]), ...result.status.fields } };
    result = plan(inputOf({ ...odd, jobSet }));
  }
  return result;
}
