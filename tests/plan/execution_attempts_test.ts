/**
 * Runs are counted exactly, whatever happens between any two writes (spec 3.12): random suspensions, resumes, failures, restarts by
 * hand and crashes, against objects that change request by request. What is true is told by the objects' changes, not by the plan.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { FakeClient, type WatchEvent } from "../../src/apply/fake_client.ts";
import { createJob, deleteJob, patchJob, patchStatus } from "../../src/apply/requests.ts";
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { featureGates } from "../../src/api/feature_gates.ts";
import { type Job, readJob } from "../../src/api/job.ts";
import { type JobSet, readJobSet } from "../../src/api/job_set.ts";
import { EXECUTION_ATTEMPT } from "../../src/api/keys.ts";
import { ApiError } from "../../src/client/api_error.ts";
import type { KubeRequest } from "../../src/client/kube_client.ts";
import { jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { plan } from "../../src/plan/plan.ts";
import type { PlanInput } from "../../src/plan/types.ts";

const JOB_SET = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/ns/jobsets/js";
const JOBS = "/apis/batch/v1/namespaces/ns/jobs/";
const GATES = featureGates({ ExecutionAttemptsTracking: true });

const EVENTS = [
  "suspend",
  "resume",
  "fail",
  "hand",
  "foreign",
  "controller",
  "collect",
  "plan",
  "crash",
  "stale",
] as const;
const steps = fc.array(
  fc.record({ event: fc.constantFrom(...EVENTS, "plan", "plan", "controller", "controller"), pick: fc.nat(999) }),
  { minLength: 10, maxLength: 60 },
);
const order = fc.constantFrom("AnyOrder", "InOrder");

interface Step {
  readonly event: (typeof EVENTS)[number];
  readonly pick: number;
}

/** Watches every change of the objects and judges the count by them alone. */
class Judge {
  #jobSet: JobSet | undefined;
  readonly #jobs = new Map<string, { readonly job: Job; readonly startedAs: number | undefined }>();
  /** The newest number that a Job started with. */
  #started = -1;
  /** The newest one of a run that ended, by a restart or as one of its Jobs was stopped: no Job may start with it again. */
  #ended = -1;
  /** A Job that could not run any more, or not yet, carries the present number: it may be raised for that. */
  #mayCount = false;
  #uncountedRestarts = 0;

  see({ kind, path, body }: WatchEvent): void {
    if (path === JOB_SET) return this.#seeJobSet(body);
    const job = readJob(body);
    if (job === undefined) return;
    if (kind === "delete") this.#jobs.delete(job.uid);
    else this.#seeJob(job, body);
  }

  #seeJobSet(body: JsonObject): void {
    const next = readJobSet(body);
    const before = this.#jobSet;
    this.#jobSet = next;
    if (before === undefined || next === undefined) return;
    if (next.status.restarts > before.status.restarts) this.#ended = this.#started;
    this.#uncountedRestarts += next.status.restarts - before.status.restarts;
    const [old, now] = [before.status.executionAttempts, next.status.executionAttempts];
    if (now === old || now === undefined) return;
    if (old === undefined) expect(now).toBe(next.status.restarts);
    else expect(now).toBe(old + 1);
    const isRestart = this.#uncountedRestarts > 0;
    expect(isRestart || this.#mayCount || old === undefined).toBe(true);
    this.#uncountedRestarts = isRestart && old !== undefined ? this.#uncountedRestarts - 1 : 0;
    if (old !== undefined) this.#mayCount = false;
  }

  #seeJob(job: Job, body: JsonObject): void {
    const { restarts = 0, executionAttempts: present } = this.#jobSet?.status ?? {};
    const known = this.#jobs.get(job.uid);
    const number = job.executionAttempt;
    let startedAs = known?.startedAs;
    const isCurrent = job.restartAttempt === restarts;
    if (!job.suspend && known?.job.suspend !== false) {
      expect(at(body, "spec", "template", "metadata", "annotations", EXECUTION_ATTEMPT)).toBe(String(number));
      if (isCurrent) {
        expect(number).toBe(present ?? restarts);
        expect(number).toBeGreaterThan(Math.max(this.#ended, startedAs ?? -1));
        this.#started = number ?? this.#started;
      }
      startedAs = number;
    }
    if (job.suspend && known?.job.suspend === false && isCurrent) {
      this.#mayCount = true;
      if (startedAs === (present ?? restarts)) this.#ended = startedAs;
    }
    if (known === undefined && job.suspend && number !== undefined) this.#mayCount = true;
    this.#jobs.set(job.uid, { job, startedAs });
  }
}

/** The objects, a controller that can crash amid its requests, and everybody else. */
class Simulation {
  readonly judge = new Judge();
  readonly #api = new FakeClient((event) => this.judge.see(event));
  /** As the controller saw it at its last write: no older view is possible. */
  #seen: JsonObject = {};

  constructor(startupPolicyOrder: string, suspend: boolean) {
    const replicatedJobs = ["a", "b"].map((name) => ({ name, replicas: 2 }));
    this.#seen = this.#api.put(JOB_SET, {
      metadata: { namespace: "ns", name: "js" },
      spec: { suspend, startupPolicy: { startupPolicyOrder }, failurePolicy: { maxRestarts: 1000 }, replicatedJobs },
      status: { restarts: 0 },
    });
  }

  get jobSet(): JobSet {
    return viewOf(this.#api.get(JOB_SET));
  }

  async step({ event, pick }: Step): Promise<void> {
    switch (event) {
      case "suspend":
      case "resume":
        return this.#edit({ spec: { suspend: event === "suspend" } });
      case "fail":
        return this.#pickJob(pick, (job) => !job.suspend && job.active > 0, (path) => {
          this.#api.setJobStatus(path, { active: 0 }, [{ type: "Failed", reason: "X" }]);
        });
      case "hand":
        if (pick % 4 === 0) this.#edit({ status: { restarts: this.jobSet.status.restarts + 1 } });
        return;
      case "foreign":
        return this.#pickJob(pick, (job) => !job.suspend, (path, body) => {
          this.#api.put(path, { ...body, spec: { ...asObject(body["spec"]), suspend: true } });
        });
      case "controller":
        return this.#pickJob(pick, () => true, (path, body) => this.#syncJob(path, body));
      case "collect":
        return this.#api.collect();
      default:
        return await this.#reconcile(pick, event);
    }
  }

  /** Everybody does his part until nothing changes any more. */
  async settle(): Promise<void> {
    this.#edit({ spec: { suspend: false } });
    for (let turn = 0; turn < 60; turn++) {
      const version = this.#api.version;
      await this.step({ event: "plan", pick: 0 });
      for (const { path, body } of this.#jobs()) this.#syncJob(path, body);
      this.#api.collect();
      if (this.#api.version === version) return;
    }
    throw new Error("the world does not come to rest");
  }

  runningAs(): readonly (number | undefined)[] {
    return this.#jobs().map(({ job }) => job).filter(({ suspend }) => !suspend).map((job) => job.executionAttempt);
  }

  /** A plan, and its requests in any order, the status write among them; a crash leaves off before the last of them. */
  async #reconcile(pick: number, event: Step["event"]): Promise<void> {
    if (event !== "stale") this.#seen = this.#api.get(JOB_SET) ?? {};
    const known = this.#jobs().map(({ job }) => job);
    const input: PlanInput = {
      ...nothingKnown(),
      jobSet: viewOf(this.#seen),
      jobs: known,
      hasService: true,
      now: 0,
      gates: GATES,
    };
    const { status, deletes, creates, patches } = plan(input);
    const build = jobFactory(input.jobSet, input);
    const requests: (readonly KubeRequest[])[] = [
      ...deletes.map((target) => [deleteJob("ns", target)]),
      ...creates.map((create) => [createJob("ns", build(create))]),
      ...patches.map((patch) => patchJob("ns", patch, known.find(({ name }) => name === patch.name))),
    ];
    if (status !== undefined) {
      requests.splice(pick % (requests.length + 1), 0, [patchStatus(input.jobSet, status.fields)]);
    }
    const done = event === "crash" ? requests.slice(0, pick % (requests.length + 1)) : requests;
    for (const request of pick % 2 === 0 ? done : done.toReversed()) await this.#send(request);
  }

  async #send(requests: readonly KubeRequest[]): Promise<void> {
    try {
      for (const request of requests) {
        const answer = asObject(await this.#api.request(request));
        if (request.path.startsWith(JOB_SET)) this.#seen = answer ?? {};
      }
    } catch (error) {
      // Refused: the next plan sees why.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  #jobs(): readonly { readonly path: string; readonly body: JsonObject; readonly job: Job }[] {
    return this.#api.list(JOBS).flatMap((body) => {
      const job = readJob(body);
      return job === undefined ? [] : [{ path: JOBS + asString(at(body, "metadata", "name")), body, job }];
    });
  }

  #pickJob(pick: number, isMeant: (job: Job) => boolean, act: (path: string, body: JsonObject) => void): void {
    const meant = this.#jobs().filter(({ job }) => isMeant(job) && !job.isDeleting && job.phase.kind === "active");
    const found = meant[pick % Math.max(1, meant.length)];
    if (found !== undefined) act(found.path, found.body);
  }

  /** The Job controller looks at one Job. */
  #syncJob(path: string, body: JsonObject): void {
    const job = readJob(body);
    if (job?.phase.kind !== "active") return;
    if (job.suspend) {
      const { startTime: _, ...status } = asObject(body["status"]) ?? {};
      if (!job.isSuspended || job.active > 0) {
        this.#api.put(path, { ...body, status });
        this.#api.setJobStatus(path, { active: 0, ready: 0 }, [{ type: "Suspended" }]);
      }
    } else if (job.active === 0) {
      this.#api.setJobStatus(path, { active: 1, ready: 1, startTime: "2026-01-01T00:00:00Z" });
    }
  }

  #edit(patch: { readonly spec?: JsonObject; readonly status?: JsonObject }): void {
    const body = this.#api.get(JOB_SET) ?? {};
    const merged = (field: "spec" | "status") => ({ ...asObject(body[field]), ...patch[field] });
    this.#api.put(JOB_SET, { ...body, spec: merged("spec"), status: merged("status") });
  }
}

function viewOf(body: JsonObject | undefined): JobSet {
  const view = readJobSet(body ?? {});
  if (view === undefined) throw new Error("the JobSet is not readable");
  return view;
}

test("execution attempts: exact and never shared, whatever happens between any two writes", async () => {
  await fc.assert(
    fc.asyncProperty(steps, order, fc.boolean(), async (script, startup, suspend) => {
      const simulation = new Simulation(startup, suspend);
      for (const step of script) await simulation.step(step);
      await simulation.settle();
      const { executionAttempts: count = -1 } = simulation.jobSet.status;
      const running = simulation.runningAs();
      expect(running.length).toBe(4);
      for (const number of running) expect(number).toBeLessThanOrEqual(count);
    }),
    { numRuns: 300 },
  );
}, 60_000);
