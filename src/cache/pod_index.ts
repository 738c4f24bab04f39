import { givesDomain, hasLeaderIndex, isLeader, type Pod } from "../api/pod.ts";
import { objectKey } from "../api/names.ts";
import { NameTable } from "./name_table.ts";
import type { CacheChange } from "./object_cache.ts";

/**
 * `namespace/uid` of the Job that controls a Pod. Whoever may create Pods may write any uid into one: with the namespace none of them
 * gets among the Pods of somebody else's Job.
 */
export function jobOf({ namespace, jobUid }: Pod): string | undefined {
  return jobUid === undefined ? undefined : objectKey(namespace, jobUid);
}

/**
 * The Pods of the cache by what spec 4 asks for, so that no look-up walks over all of them: the leaders of a job key, the Pods
 * of a Job, and the Jobs whose leader is on a Node. Namespaces are a level of their own: joined keys would be a text more for
 * each Job, in each index.
 */
export class PodIndex {
  /** Namespace → uid of the Job. */
  readonly #jobs = new Map<string, Map<string, JobPods>>();
  /** Namespace → job key → the Pods of completion index 0, of whatever state. */
  readonly #leaders = new Map<string, Map<string, Pod[]>>();
  /** Scheduled leaders with exclusive placement, by their Node. */
  readonly #nodes = new Map<string, Pod[]>();

  /** The cache has changed. */
  apply(change: CacheChange<Pod>): void {
    if (change.kind === "delete") return this.#drop(change.before);
    if (change.before !== undefined) this.#drop(change.before);
    this.#add(change.after);
  }

  clear(): void {
    for (const index of [this.#jobs, this.#leaders, this.#nodes]) index.clear();
  }

  /** Spec 4.1: what can be a leader now, or was one until it completed. */
  leaders(namespace: string, jobKey: string): readonly Pod[] {
    return (this.#leaders.get(namespace)?.get(jobKey) ?? []).filter(givesDomain);
  }

  /** The Pods that a Job controls; `job` is what `jobOf` says of each of them. */
  ofJob(job: string): Iterable<Pod> {
    return this.#ofJob(job)?.pods.values() ?? [];
  }

  /** Whether a Job has a scheduled leader that asks for exclusive placement. */
  isExclusive(job: string): boolean {
    return (this.#ofJob(job)?.led ?? 0) > 0;
  }

  /** The Jobs with a leader on this Node that asks for exclusive placement. */
  *jobsLedFrom(nodeName: string): Generator<string, void, undefined> {
    for (const pod of this.#nodes.get(nodeName) ?? []) {
      const job = jobOf(pod);
      if (job !== undefined) yield job;
    }
  }

  /** All Jobs with a scheduled leader that asks for exclusive placement. */
  *exclusiveJobs(): Generator<string, void, undefined> {
    for (const [namespace, jobs] of this.#jobs) {
      for (const [uid, { led }] of jobs) {
        if (led > 0) yield objectKey(namespace, uid);
      }
    }
  }

  #ofJob(job: string): JobPods | undefined {
    const slash = job.indexOf("/");
    return this.#jobs.get(job.slice(0, slash))?.get(job.slice(slash + 1));
  }

  #add(pod: Pod): void {
    const { namespace, jobUid, jobKey, nodeName } = pod;
    if (jobUid === undefined) return;
    const jobs = levelOf(this.#jobs, namespace);
    let job = jobs.get(jobUid);
    if (job === undefined) jobs.set(jobUid, job = { pods: new NameTable(), led: 0 });
    job.pods.set(pod);
    if (hasLeaderIndex(pod) && jobKey !== undefined) push(levelOf(this.#leaders, namespace), jobKey, pod);
    if (!leadsFromNode(pod)) return;
    job.led++;
    push(this.#nodes, nodeName, pod);
  }

  #drop(pod: Pod): void {
    const { namespace, name, jobUid, jobKey, nodeName } = pod;
    if (jobUid === undefined) return;
    const jobs = this.#jobs.get(namespace);
    const job = jobs?.get(jobUid);
    if (jobs === undefined || job === undefined) return;
    job.pods.delete(name);
    if (leadsFromNode(pod)) {
      job.led--;
      take(this.#nodes, nodeName, pod);
    }
    if (job.pods.size === 0) jobs.delete(jobUid);
    if (jobs.size === 0) this.#jobs.delete(namespace);
    const leaders = this.#leaders.get(namespace);
    if (leaders === undefined || jobKey === undefined || !hasLeaderIndex(pod)) return;
    take(leaders, jobKey, pod);
    if (leaders.size === 0) this.#leaders.delete(namespace);
  }
}

/** What is known of one Job. */
interface JobPods {
  readonly pods: NameTable<Pod>;
  /** How many of them are scheduled leaders with exclusive placement. */
  led: number;
}

function leadsFromNode(pod: Pod): boolean {
  return pod.topologyKey !== undefined && pod.nodeName !== "" && isLeader(pod);
}

function levelOf<T>(index: Map<string, Map<string, T>>, key: string): Map<string, T> {
  let level = index.get(key);
  if (level === undefined) index.set(key, level = new Map());
  return level;
}

/** Lists are short: a Job has one leader or two, a Node a few. */
function push(index: Map<string, Pod[]>, key: string, pod: Pod): void {
  const pods = index.get(key);
  if (pods === undefined) index.set(key, [pod]);
  else pods.push(pod);
}

function take(index: Map<string, Pod[]>, key: string, pod: Pod): void {
  const rest = (index.get(key) ?? []).filter((each) => each !== pod);
  if (rest.length === 0) index.delete(key);
  else index.set(key, rest);
}
