/** What one controller knows of a test bench, and what it sends, under the eyes of the same judges. */
import { asObject, type JsonObject } from "../../../src/base/json.ts";
import { type Job, readJob } from "../../../src/api/job.ts";
import { type JobSet, readJobSet } from "../../../src/api/job_set.ts";
import { readService, type Service } from "../../../src/api/service.ts";
import { type CacheChange, type CacheEntry, ObjectCache } from "../../../src/cache/object_cache.ts";
import { LifeKnowledge, RequestSent } from "../process/life_knowledge.ts";
import type { TestBench } from "./test_bench.ts";

export const JOBS = "/apis/batch/v1/namespaces/ns/jobs";
export const JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/ns/jobsets";

export class TestKnowledge {
  mayWrite = true;
  readonly #bench: TestBench;
  readonly #caches = {
    jobSets: new ObjectCache<JobSet>(),
    jobs: new ObjectCache<Job>(),
    services: new ObjectCache<Service>(),
  };
  readonly #knowledge: LifeKnowledge;

  constructor(bench: TestBench) {
    this.#bench = bench;
    for (const cache of Object.values(this.#caches)) cache.replace([], "0");
    const clock = { now: () => bench.nowMs };
    this.#knowledge = new LifeKnowledge({
      process: "controller-1",
      caches: this.#caches,
      clock,
      mayWrite: () => this.mayWrite,
    });
    this.#knowledge.follow((learned) => {
      for (const judge of bench.judges) judge.onLearn?.(learned);
    });
  }

  /** It hears of these objects as they are stored now. */
  learn(...uids: readonly string[]): void {
    const { jobSets, jobs, services } = this.#caches;
    for (const uid of uids) {
      const object = this.#bench.told(uid);
      const spec = asObject(object["spec"]) ?? {};
      if ("replicatedJobs" in spec) upsert(jobSets, readJobSet(object));
      else if ("clusterIP" in spec) upsert(services, readService(object));
      else upsert(jobs, readJob(object));
    }
  }

  /** It hears that an object is gone. */
  miss(resource: "jobSets" | "jobs", name: string): void {
    const known = this.#caches[resource].get("ns", name);
    if (known === undefined) throw new Error(`${name} is not known`);
    this.#caches[resource].remove({ ...known, resourceVersion: String(this.#bench.version) });
  }

  /** Says that it has learnt of a Job what no cache would take in. */
  claim(change: CacheChange<Job>): void {
    for (const judge of this.#bench.judges) judge.onLearn?.({ knowledge: this.#knowledge, resource: "jobs", change });
  }

  knownJob(name: string): Job {
    const job = this.#caches.jobs.get("ns", name);
    if (job === undefined) throw new Error(`${name} is not known`);
    return job;
  }

  send(method: string, path: string, body: unknown): void {
    const sent = new RequestSent(this.#knowledge, { method, target: path, body: JSON.stringify(body) });
    for (const judge of this.#bench.judges) judge.onSend?.(sent);
  }

  create(job: JsonObject): void {
    this.send("POST", JOBS, job);
  }

  deleteJob(name: string, preconditions: JsonObject): void {
    this.send("DELETE", `${JOBS}/${name}`, { propagationPolicy: "Foreground", preconditions });
  }
}

function upsert<T extends CacheEntry>(cache: ObjectCache<T>, item: T | undefined): void {
  if (item === undefined) throw new Error("no such object");
  cache.upsert(item);
}
