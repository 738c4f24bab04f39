/** Any request may be refused, answered late or not at all: everything comes to its right end, counted once. */
import { expect } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";
import type { FaultProxy, FaultRule } from "../../scripts/fault_proxy.ts";
import type { Fault } from "../../scripts/fault_proxy/proxy_connection.ts";
import { behindProxy, errorLines } from "./behind_proxy.ts";
import {
  type Cluster,
  conditionOf,
  conditionsOf,
  isDeleting,
  nameOf,
  ownerUidOf,
  restartsOf,
  terminalState,
  uidOf,
} from "./cluster.ts";
import { JobRecord } from "./job_record.ts";
import { fail } from "./job_status.ts";
import { byHand, FATE, group, jobSet } from "./job_sets.ts";

/** Watches that failed again and again wait for up to 30 s. */
const CALM_MS = 90_000;
const WAVE_MS = 4_000;
const ENDS = ["Complete", "Failed", "FailureTarget"];

/** Probability and fault. */
export type Faults = readonly (readonly [number, Fault])[];

export const FAULTS: Faults = [
  [0.04, { answer: { code: 409 } }],
  [0.03, { answer: { code: 429, headers: { "retry-after": "1" } } }],
  [0.04, { answer: { code: 500 } }],
  [0.04, { answer: { code: 503 } }],
  [0.06, { dropAfter: true }],
  [0.03, { delayMs: 400 }],
  [0.03, { cutAfterBytes: 100 }],
];

function addFaults(proxy: FaultProxy, faults: Faults, random: Random): void {
  for (const [probability, fault] of faults) proxy.rule({ ...fault, match: () => random.next() < probability });
  const isWatchToCut: FaultRule["match"] = (_method, _path, query) => query.has("watch") && random.next() < 0.5;
  proxy.rule({ cutAfterBytes: 5_000, match: isWatchToCut });
}

/** Creates JobSets of one kind and brings them to their end; what it must have become of them is told later. */
interface Play {
  /** Once no fault happens any more. */
  check(): Promise<void>;
}

type Kind = (cluster: Cluster, record: JobRecord, name: string) => Promise<Play>;

const attempts = (count: number, jobs: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, attempt) => [String(attempt), jobs]));

/** Where Pods fail by themselves, an attempt may end before its last Job was made: each at most once, then. */
function expectNoneTwice(record: JobRecord, jobSet: string): void {
  const made = record.of(jobSet).map(({ name, attempt }) => `${name} of attempt ${attempt}`);
  expect(made.toSorted()).toEqual([...new Set(made)].toSorted());
}

const restartsTwice: Kind = async (cluster, record, name) => {
  const fate = { "fail-after": "300ms", "fail-on-restart-attempt": "0,1", "succeed-after": "500ms" };
  const groups = [group("a", { replicas: 4, fate: { ...fate, "fail-job-index": "1" } })];
  await cluster.create("jobsets", jobSet(name, groups, { failurePolicy: { maxRestarts: 3 } }));
  return {
    async check() {
      expect(restartsOf(await cluster.terminal(name, "Completed", CALM_MS))).toBe(2);
      expect(record.counts(name)[2]).toBe(4);
      expectNoneTwice(record, name);
    },
  };
};

const failsForGood: Kind = async (cluster, record, name) => {
  const groups = [group("a", { replicas: 3, fate: { "fail-after": "300ms" } })];
  await cluster.create("jobsets", jobSet(name, groups, { failurePolicy: { maxRestarts: 1 } }));
  return {
    async check() {
      const failed = await cluster.terminal(name, "Failed", CALM_MS);
      expect(conditionOf(failed, "Failed")?.reason).toBe("ReachedMaxRestarts");
      expect(restartsOf(failed)).toBe(1);
      expect(Object.keys(record.counts(name))).toEqual(["0", "1"]);
      expectNoneTwice(record, name);
    },
  };
};

const severalFailAtOnce: Kind = async (cluster, record, name) => {
  const groups = [byHand("a", { replicas: 5 })];
  await cluster.create("jobsets", jobSet(name, groups, { failurePolicy: { maxRestarts: 3 } }));
  await cluster.jobCount(name, 5, 0, CALM_MS);
  await fail(cluster, `${name}-a-2`);
  return {
    async check() {
      await cluster.jobCount(name, 5, 1, CALM_MS);
      expect(restartsOf(await cluster.jobSet(name))).toBe(1);
      expect(record.counts(name)).toEqual(attempts(2, 5));
    },
  };
};

const suspendedAndResumed: Kind = async (cluster, record, name) => {
  await cluster.create("jobsets", jobSet(name, [group("a", { replicas: 3 })], { suspend: true }));
  await cluster.condition(name, "Suspended", "True", CALM_MS);
  await cluster.patch("jobsets", name, { spec: { suspend: false } });
  await cluster.condition(name, "Suspended", "False", CALM_MS);
  // Suspended again before the Job controller has seen that it was resumed, a Job's Pods would stay those of the old template.
  await cluster.eventually(`${name} to run`, async () => {
    return (await cluster.jobs(name)).every((job) => at(job, "status", "ready") === 1);
  }, CALM_MS);
  await cluster.patch("jobsets", name, { spec: { suspend: true } });
  await cluster.condition(name, "Suspended", "True", CALM_MS);
  const metadata = { annotations: { [`${FATE}succeed-after`]: "0s" } };
  const path = "/spec/replicatedJobs/0/template/spec/template/metadata";
  await cluster.api.patch(cluster.path("jobsets", name), [
    { op: "add", path, value: metadata },
    { op: "replace", path: "/spec/suspend", value: false },
  ], "json");
  return {
    async check() {
      expect(restartsOf(await cluster.terminal(name, "Completed", CALM_MS))).toBe(0);
      expect(record.counts(name)).toEqual(attempts(1, 3));
    },
  };
};

/** Deleted in the middle of its creation, and again of its restart, and made anew under the same name each time. */
const deletedAndMadeAnew: Kind = async (cluster, record, name) => {
  const body = jobSet(name, [byHand("a", { replicas: 4 })], { failurePolicy: { maxRestarts: 3 } });
  const isThere = async () => (await cluster.jobs(name)).some((job) => !isDeleting(job));
  await cluster.create("jobsets", body);
  await cluster.eventually(`a Job of ${name}`, isThere, CALM_MS);
  await remove(cluster, name);
  await ownJobs(cluster, name, uidOf(await cluster.create("jobsets", body)));
  await fail(cluster, `${name}-a-0`);
  await remove(cluster, name);
  const last = uidOf(await cluster.create("jobsets", body));
  return {
    async check() {
      const jobs = await ownJobs(cluster, name, last);
      expect(uidOf(await cluster.jobSet(name))).toBe(last);
      expect(restartsOf(await cluster.jobSet(name))).toBe(0);
      const uids = new Set(jobs.map(uidOf));
      expect(record.of(name).filter(({ isDeleted }) => !isDeleted).map(({ uid }) => uid).toSorted())
        .toEqual([...uids].toSorted());
    },
  };
};

/** The four Jobs of this very JobSet, none left of an earlier one. */
function ownJobs(cluster: Cluster, name: string, uid: string): Promise<readonly JsonObject[]> {
  return cluster.eventually(`4 Jobs of ${name} ${uid}`, async () => {
    const jobs = await cluster.jobs(name);
    return jobs.length === 4 && jobs.every((job) => !isDeleting(job) && ownerUidOf(job) === uid) ? jobs : undefined;
  }, CALM_MS);
}

async function remove(cluster: Cluster, name: string): Promise<void> {
  await cluster.delete("jobsets", name);
  await cluster.eventually(`${name} to be gone`, async () => await cluster.find("jobsets", name) === undefined);
}

const kinds: readonly (readonly [string, Kind])[] = [
  ["restarts", restartsTwice],
  ["fails", failsForGood],
  ["several", severalFailAtOnce],
  ["suspended", suspendedAndResumed],
  ["deleted", deletedAndMadeAnew],
];

/** Lets JobSets of every kind be played while requests meet faults, then without: all come to their right end, counted once. */
export async function surviveFaults(
  cluster: Cluster,
  { faults, forMs, random }: { readonly faults: Faults; readonly forMs: number; readonly random: Random },
): Promise<void> {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    const record = await JobRecord.start(cluster);
    await controller.start();
    const { pid } = controller;
    addFaults(proxy, faults, random);
    const endAt = performance.now() + forMs;
    const plays: Promise<Play>[] = [];
    for (let wave = 0; performance.now() < endAt; wave++) {
      for (const [word, kind] of kinds) plays.push(kind(cluster, record, `${word}-${wave}`));
      const nextAt = Math.min(performance.now() + WAVE_MS, endAt);
      await cluster.eventually("the next wave", () => Promise.resolve(performance.now() >= nextAt));
    }
    const faulty = proxy.seen.length;
    proxy.clearRules();
    for (const play of await Promise.all(plays)) await play.check();
    await record.stop();
    console.log(`random faults: ${plays.length} JobSets, ${record.all.length} Jobs, ${faulty} requests while faulty`);
    expect(controller.pid).toBe(pid);
    expect(controller.isRunning()).toBe(true);
    expect(errorLines(controller)).toEqual([]);
    await cluster.eventually("no running Job of a finished JobSet", async () => (await leftOver(cluster)).length === 0);
  });
}

/** The running Jobs of finished JobSets. */
async function leftOver(cluster: Cluster): Promise<readonly string[]> {
  const found: string[] = [];
  for (const item of await cluster.list("jobsets")) {
    if (terminalState(item) === "") continue;
    const jobs = await cluster.jobs(nameOf(item));
    const isRunning = (job: JsonObject) =>
      !isDeleting(job) && !conditionsOf(job).some(({ type }) => ENDS.includes(type));
    found.push(...jobs.filter(isRunning).map(nameOf));
  }
  return found;
}
