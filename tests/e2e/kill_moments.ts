/** `kill -9` in the middle of restarts (R84). */
import { expect } from "bun:test";
import { asInteger, at } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";
import { attemptOf, type Cluster, isDeleting, nameOf, ownerUidOf, restartsOf, uidOf } from "./cluster.ts";
import type { Controller } from "./controller.ts";
import { JobRecord } from "./job_record.ts";
import { fail } from "./job_status.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { below } from "./seeded.ts";

export const JOBS = 10;
const JOB_SET = "js";
/** A moment may also come a little after the restart. */
const BEYOND = 1.15;

/** A JobSet that restarts again and again, with a record of every Job that it ever had. */
export class RestartedJobSet {
  readonly #cluster: Cluster;
  readonly #record: JobRecord;
  #attempt = 0;

  private constructor(cluster: Cluster, record: JobRecord) {
    this.#cluster = cluster;
    this.#record = record;
  }

  static async create(cluster: Cluster): Promise<RestartedJobSet> {
    const record = await JobRecord.start(cluster);
    const groups = [byHand("a", { replicas: JOBS / 2 }), byHand("b", { replicas: JOBS / 2 })];
    await cluster.create("jobsets", jobSet(JOB_SET, groups, { failurePolicy: { maxRestarts: 1000 } }));
    await cluster.jobCount(JOB_SET, JOBS, 0);
    return new RestartedJobSet(cluster, record);
  }

  /** Fails one Job of this attempt. */
  async failOne(random: Random): Promise<void> {
    const name = `${JOB_SET}-${random.next() < 0.5 ? "a" : "b"}-${below(random, JOBS / 2)}`;
    await fail(this.#cluster, name);
    this.#attempt += 1;
  }

  /** How long an undisturbed restart takes here and now, until its last Job: the median of three. */
  async measure(random: Random): Promise<number> {
    const lengths: number[] = [];
    for (let count = 0; count < 3; count++) {
      await this.failOne(random);
      const startedAt = performance.now();
      await this.restarted();
      lengths.push(Math.max(...this.#record.of(JOB_SET, this.#attempt).map(({ seenAtMs }) => seenAtMs)) - startedAt);
    }
    return lengths.toSorted((a, b) => a - b)[1] ?? 0;
  }

  /** In a few words how far a restart is: for those who read why a moment failed. */
  async progress(): Promise<string> {
    const restarts = restartsOf(await this.#cluster.jobSet(JOB_SET));
    const jobs = await this.#cluster.jobs(JOB_SET);
    const old = jobs.filter((job) => attemptOf(job) < this.#attempt);
    const going = old.filter(isDeleting).length;
    return `${restarts === this.#attempt ? "counted" : "not counted"}, ${old.length - going} old, ${going} going, ${
      jobs.length - old.length
    } new`;
  }

  /** Waits for the end of the restart: each failure counted once, every Job made once, and no other Job left. */
  async restarted(timeoutMs?: number): Promise<void> {
    const jobs = await this.#cluster.jobCount(JOB_SET, JOBS, this.#attempt, timeoutMs);
    const stored = await this.#cluster.jobSet(JOB_SET);
    expect(restartsOf(stored)).toBe(this.#attempt);
    expect(asInteger(at(stored, "status", "restartsCountTowardsMax"))).toBe(this.#attempt);
    expect((await this.#cluster.list("jobs")).map(nameOf).toSorted()).toEqual(jobs.map(nameOf).toSorted());
    for (const job of jobs) expect(ownerUidOf(job)).toBe(uidOf(stored));
  }

  /** The same over all attempts, from the record; and, given a garbage collector, nothing stays when the JobSet goes. */
  async finish(isCollected = true): Promise<void> {
    if (isCollected) await this.#remove();
    await this.#record.stop();
    const everyAttempt = Array.from({ length: this.#attempt + 1 }, (_, attempt) => [String(attempt), JOBS]);
    expect(this.#record.counts(JOB_SET)).toEqual(Object.fromEntries(everyAttempt));
  }

  async #remove(): Promise<void> {
    await this.#cluster.delete("jobsets", JOB_SET, "Foreground");
    await this.#cluster.eventually("no Job and no JobSet to be left", async () => {
      return (await this.#cluster.list("jobs")).length + (await this.#cluster.list("jobsets")).length === 0;
    });
  }
}

/** Kills the controller at random moments of as many restarts; a fresh one takes over each time. */
export async function killAtRandomMoments(
  { cluster, controller, moments, random }: {
    readonly cluster: Cluster;
    readonly controller: Controller;
    readonly moments: number;
    readonly random: Random;
  },
): Promise<void> {
  await controller.start();
  const restarted = await RestartedJobSet.create(cluster);
  const lengthMs = await restarted.measure(random);
  for (let moment = 0; moment < moments; moment++) {
    // One moment in each part of the restart, so that they are spread over all of it.
    const afterMs = (moment + random.next()) / moments * lengthMs * BEYOND;
    await restarted.failOne(random);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await controller.kill();
    console.log(
      `killed ${afterMs.toFixed(0)} of ${lengthMs.toFixed(0)} ms after the failure: ${await restarted.progress()}`,
    );
    await controller.start();
    await restarted.restarted();
  }
  await restarted.finish();
}
