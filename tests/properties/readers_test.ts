/** Whatever an API server has stored, or says it has: it is read without an exception, and planned on without one. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { seenJobSet } from "../../src/agent/seen_job_set.ts";
import { asArray, asObject, asString, at, canonicalJson, type JsonObject } from "../../src/base/json.ts";
import { changedResources, resourcesDigest } from "../../src/api/container_resources.ts";
import { type Job, readJob } from "../../src/api/job.ts";
import { type JobSet, needsPods, readJobSet } from "../../src/api/job_set.ts";
import { nodeReader } from "../../src/api/node.ts";
import { type Pod, readPod } from "../../src/api/pod.ts";
import { prioritiesOf, readPriorityClass } from "../../src/api/priority.ts";
import { schedulingHash } from "../../src/api/scheduling.ts";
import { readService } from "../../src/api/service.ts";
import { apiErrorFromStatus } from "../../src/client/api_error.ts";
import { readLease } from "../../src/leader/lease.ts";
import { readNode } from "../../src/nodes/node_view.ts";
import { jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { plan } from "../../src/plan/plan.ts";
import { render } from "../../src/plan/render.ts";
import { anyJson, nearly, oddly, overTheWire } from "./any_json.ts";
import { anyGates, validJobSet } from "./job_sets.ts";

/** A second or two on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(60_000);

const SEED = 20260801;
const RUNS = { seed: SEED, numRuns: 500 };
const IDENTITY = { name: "js", namespace: "ns", uid: "u", resourceVersion: "7" };

const STATUSES: readonly JsonObject[] = [
  {},
  { active: 1, ready: 1, startTime: "2026-01-01T00:00:00Z" },
  { succeeded: 1, conditions: [{ type: "Complete", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
  {
    failed: 1,
    conditions: [{
      type: "Failed",
      status: "True",
      reason: "BackoffLimitExceeded",
      message: "m",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    }],
  },
  { conditions: [{ type: "FailureTarget", status: "True" }, { type: "Suspended", status: "True" }] },
];

const jobSetStatus = fc.constantFrom<JsonObject>(
  {},
  {
    restarts: 1,
    restartsCountTowardsMax: 1,
    conditions: [{ type: "Suspended", status: "True" }],
    executionAttempts: 0,
  },
  {
    restarts: 0,
    replicatedJobsStatus: [{ name: "driver", ready: 1, succeeded: 0, failed: 0, active: 1, suspended: 0 }],
  },
  { restarts: 2, replicatedJobsStatus: [{ name: "workers", succeeded: 3, jobRestarts: [0, 1, 0] }] },
  { conditions: [{ type: "Completed", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
);

/** A stored JobSet and the Jobs made for it, each at some point of its life. */
const storedWorld = fc.tuple(validJobSet, jobSetStatus, fc.array(fc.constantFrom(...STATUSES), { maxLength: 9 })).map(
  ([manifest, status, statuses]) => {
    const made = render(manifest, { uid: "u" }).filter((object) => object["kind"] === "Job").slice(0, statuses.length);
    return {
      jobSet: { ...manifest, metadata: { ...asObject(manifest["metadata"]), ...IDENTITY }, status },
      jobs: made.map((job, index) => ({
        ...job,
        metadata: { ...asObject(job["metadata"]), uid: `job-${index}`, resourceVersion: String(index) },
        status: statuses[index],
      })),
    };
  },
);

const LABELS = {
  "jobset.sigs.k8s.io/jobset-name": "js",
  "jobset.sigs.k8s.io/jobset-uid": "u",
  "jobset.sigs.k8s.io/job-key": "k",
};
const pods = fc.constant({
  metadata: {
    ...IDENTITY,
    name: "js-workers-0-0-abcde",
    labels: LABELS,
    annotations: {
      "batch.kubernetes.io/job-completion-index": "0",
      "alpha.jobset.sigs.k8s.io/exclusive-topology": "rack",
      "jobset.sigs.k8s.io/in-place-restart-attempt": "1",
    },
    ownerReferences: [{ kind: "Job", apiVersion: "batch/v1", name: "js-workers-0", uid: "job-0", controller: true }],
  },
  spec: { nodeName: "n", nodeSelector: { rack: "r" } },
  status: { phase: "Running", containerStatuses: [{ restartCount: 1 }], initContainerStatuses: [{ restartCount: 2 }] },
});
const others = fc.constantFrom<JsonObject>(
  { metadata: { ...IDENTITY, labels: { rack: "r" } }, spec: { taints: [{ key: "k", effect: "NoSchedule" }] } },
  { metadata: IDENTITY, spec: { holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 2 ** 31 } },
  { metadata: IDENTITY, value: 1000, globalDefault: true },
  { kind: "Status", code: 429, reason: "TooManyRequests", details: { retryAfterSeconds: 1 }, message: "m" },
);

test("every reader takes any JSON", () => {
  const readNodeLabels = nodeReader(["rack", "__proto__", "constructor"]);
  const readers: readonly ((body: JsonObject) => unknown)[] = [
    readJobSet,
    readJob,
    readPod,
    readService,
    readNodeLabels,
    readNode,
    readLease,
    seenJobSet,
    apiErrorFromStatus,
    (body) => prioritiesOf([readPriorityClass(body)].filter((one) => one !== undefined)),
    (body) => changedResources(body["spec"], resourcesDigest(at(body, "spec", "template"))),
    schedulingHash,
  ];
  const bodies = fc.oneof(
    storedWorld.chain(({ jobSet, jobs }) => oddly(fc.constantFrom<unknown>(jobSet, ...jobs))),
    oddly(pods),
    oddly(others),
    anyJson,
  );
  fc.assert(
    fc.property(bodies, (value) => {
      const body = asObject(overTheWire(value));
      if (body === undefined) return;
      for (const read of readers) read(body);
    }),
    RUNS,
  );
});

test("what is read is what stands there: identity and owner are never made up", () => {
  fc.assert(
    fc.property(storedWorld.chain(({ jobs }) => oddly(fc.constantFrom<unknown>(...jobs, null))), (value) => {
      const body = asObject(overTheWire(value)) ?? {};
      const job = readJob(body);
      if (job === undefined) return;
      const metadata = at(body, "metadata");
      expect([job.namespace, job.name, job.uid]).toEqual(
        [at(metadata, "namespace"), at(metadata, "name"), at(metadata, "uid")] as string[],
      );
      const owners = asArray(at(metadata, "ownerReferences")).filter((entry) => at(entry, "controller") === true);
      expect(owners.map((owner) => at(owner, "uid"))).toContain(job.ownerUid);
    }),
    RUNS,
  );
});

test("a plan is made of any readable JobSet, Jobs and Pods, and so are the bodies that it asks for", () => {
  const worlds = fc.tuple(
    storedWorld.chain(({ jobSet, jobs }) => fc.tuple(oddly(fc.constant(jobSet)), fc.tuple(...jobs.map(maybeOdd)))),
    fc.array(nearly(pods), { maxLength: 3 }),
    anyGates,
    fc.boolean(),
  );
  let planned = 0;
  fc.assert(
    fc.property(worlds, ([[jobSetBody, jobBodies], podBodies, gates, hasService]) => {
      const jobSet = read<JobSet>(jobSetBody, readJobSet);
      if (jobSet === undefined) return;
      planned++;
      const jobs = jobBodies.map((body) => read<Job>(body, readJob)).filter((job) => job !== undefined);
      const known = podBodies.map((body) => read<Pod>(body, readPod)).filter((pod) => pod !== undefined);
      const input = { ...nothingKnown(), jobSet, jobs, hasService, gates, now: 0, pods: known };
      const decision = plan(input);
      expect(typeof needsPods(jobSet, gates)).toBe("boolean");
      const build = jobFactory(jobSet, input);
      for (const create of decision.creates.slice(0, 3)) {
        expect(at(overTheWire(build(create)), "metadata", "name")).toBe(create.name);
      }
      expect(canonicalJson(overTheWire(plan(input)))).toBe(canonicalJson(overTheWire(decision)));
      expect(decision.lookAgainAt ?? 0).not.toBeNaN();
    }),
    RUNS,
  );
  expect(planned).toBeGreaterThan(300);
});

test("any JSON is rendered, or too much for it", () => {
  fc.assert(
    fc.property(oddly(validJobSet), (value) => {
      const manifest = asObject(overTheWire(value));
      if (manifest === undefined) return;
      try {
        for (const object of render(manifest)) expect(asString(object["kind"])).toBeDefined();
      } catch (error) {
        expect(String(error)).toMatch(/^RangeError: render: \d+ Jobs, 100000 at most$/);
      }
    }),
    RUNS,
  );
});

function maybeOdd(body: JsonObject): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(body) }, { weight: 1, arbitrary: nearly(fc.constant(body)) });
}

function read<T>(value: unknown, reader: (body: JsonObject) => T | undefined): T | undefined {
  const body = asObject(overTheWire(value));
  return body === undefined ? undefined : reader(body);
}
