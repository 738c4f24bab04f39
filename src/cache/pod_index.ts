import { givesDomain, hasLeaderIndex, isLeader, type Pod } from "../api/pod.ts";
import { objectKey } from "../api/names.ts";
import type { CacheChange } from "./object_cache.ts";

const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();

/**
 * `namespace/uid` of the Job that controls a Pod. Whoever may create Pods may write any uid into one: with the namespace none of them
 * gets among the Pods of somebody else's Job.
 */
export function jobOf({ namespace, jobUid }: Pod): string | undefined {
  return jobUid === undefined ? undefined : objectKey(namespace, jobUid);
}

/**
 * The Pods of the cache by what spec 4 asks for, so that no look-up walks over all of them: the leaders of a job key, the Pods
 * of a Job, and the Jobs whose leader is on a Node.
 */
export class PodIndex {
  /** `namespace/job-key` → the Pods of completion index 0 by name, of whatever state. */
  readonly #leaders = new Map<string, Map<string, Pod>>();
  /** The Job, as `jobOf` has it → its Pods by name. */
  readonly #jobs = new Map<string, Map<string, Pod>>();
  /** Scheduled leaders with exclusive placement: by their Job and name, and by their Node and `namespace/name`. */
  readonly #led = new Map<string, Map<string, Pod>>();
  readonly #nodes = new Map<string, Map<string, Pod>>();

  /** The cache has changed. */
  apply(change: CacheChange<Pod>): void {
    if (change.kind === "delete") return this.#drop(change.before);
    if (change.before !== undefined) this.#drop(change.before);
    this.#add(change.after);
  }

  clear(): void {
    for (const index of [this.#leaders, this.#jobs, this.#led, this.#nodes]) index.clear();
  }

  /** Spec 4.1: what can be a leader now, or was one until it completed. */
  leaders(namespace: string, jobKey: string): readonly Pod[] {
    const pods = this.#leaders.get(objectKey(namespace, jobKey)) ?? NOTHING;
    return [...pods.values()].filter(givesDomain);
  }

  /** The Pods that a Job controls; `job` is what `jobOf` says of each of them. */
  ofJob(job: string): Iterable<Pod> {
    return (this.#jobs.get(job) ?? NOTHING).values();
  }

  /** Whether a Job has a scheduled leader that asks for exclusive placement. */
  isExclusive(job: string): boolean {
    return this.#led.has(job);
  }

  /** The Jobs with a leader on this Node that asks for exclusive placement. */
  *jobsLedFrom(nodeName: string): Generator<string, void, undefined> {
    for (const pod of (this.#nodes.get(nodeName) ?? NOTHING).values()) {
      const job = jobOf(pod);
      if (job !== undefined) yield job;
    }
  }

  /** All Jobs with a scheduled leader that asks for exclusive placement. */
  exclusiveJobs(): Iterable<string> {
    return this.#led.keys();
  }

  #add(pod: Pod): void {
    for (const [index, key, name] of this.#places(pod)) {
      const pods = index.get(key);
      if (pods === undefined) index.set(key, new Map([[name, pod]]));
      else pods.set(name, pod);
    }
  }

  #drop(pod: Pod): void {
    for (const [index, key, name] of this.#places(pod)) {
      const pods = index.get(key);
      pods?.delete(name);
      if (pods?.size === 0) index.delete(key);
    }
  }

  *#places(pod: Pod): Generator<[Map<string, Map<string, Pod>>, key: string, name: string], void, undefined> {
    const { namespace, name, jobKey, nodeName, topologyKey } = pod;
    const job = jobOf(pod);
    if (job === undefined) return;
    yield [this.#jobs, job, name];
    if (!hasLeaderIndex(pod)) return;
    if (jobKey !== undefined) yield [this.#leaders, objectKey(namespace, jobKey), name];
    const isExclusive = topologyKey !== undefined && nodeName !== "";
    if (!isExclusive || !isLeader(pod)) return;
    yield [this.#led, job, name];
    yield [this.#nodes, nodeName, objectKey(namespace, name)];
  }
}
