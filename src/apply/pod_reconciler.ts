/**
 * The Pod controller (spec 4.2): followers outside their leader's domain are deleted, so that their Job makes them anew.
 *
 * A cache that lags must not cost a healthy follower its life. The watch of Pods tells one story in its order: whoever sees a follower
 * has seen what became of the leader before. But the leader may have been replaced since, and Nodes are another watch. So before the
 * first of a Job's Pods is touched the API server is asked whether each leader is still there, where it was, and for the labels of
 * its Node. A follower's own selector never changes once it may be scheduled. Hundreds of deletes take their time: before each of
 * them the cache says whether the leaders are still there. What remains are the milliseconds until the delete arrives, and that
 * names the uid.
 */
import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../base/clock.ts";
import { asArray, asObject, asString, at } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { objectKey } from "../api/names.ts";
import { isLeader, type Pod, readPod } from "../api/pod.ts";
import { isConflict, isNotFound } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { Semaphore } from "../client/semaphore.ts";
import {
  isMisplaced,
  isSelectorKnown,
  type PlacedLeader,
  placementViolations,
  type ScheduledLeader,
  scheduledLeaders,
} from "../plan/placement_violations.ts";
import { deletePod, listPod, markViolation } from "./pod_requests.ts";

/** Spec 4.2: at most so many Pods at a time, of all Jobs together. */
const MAX_AT_ONCE = 50;

export interface PodReconcilerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** The Pods of a Job, which is `namespace/uid`, as the cache has them. */
  readonly podsOf: (job: string) => Iterable<Pod>;
  /** The Pod of this one's name, as the cache has it. */
  readonly cached: (pod: Pod) => Pod | undefined;
  /** The value of a Node's label; undefined where the Node is gone or has no such label. `isCertain`: not from a cache. */
  readonly domain: (
    question: { readonly nodeName: string; readonly topologyKey: string; readonly isCertain: boolean },
  ) => Promise<string | undefined>;
  /** What our own requests did to a Pod, which the watch will tell later. */
  readonly observe: { written(pod: Pod): void; deleted(pod: Pod): void };
}

/** How a reconcile ended. Not an error: a leader's domain is not known, or the cache has to catch up. */
export type PodOutcome = { readonly kind: "done" } | { readonly kind: "backOff"; readonly isError: boolean };

const DONE: PodOutcome = { kind: "done" };
const NOT_YET: PodOutcome = { kind: "backOff", isError: false };
const FAILED: PodOutcome = { kind: "backOff", isError: true };

export class PodReconciler {
  readonly #options: PodReconcilerOptions;
  readonly #places = new Semaphore(MAX_AT_ONCE);
  /** Jobs whose newest reconcile failed: the first failure in a row is logged for the operator. */
  readonly #failing = new Set<string>();
  #isStopped = false;

  constructor(options: PodReconcilerOptions) {
    this.#options = options;
  }

  /** Touches no further Pod; reconciles under way end with the requests that have been sent. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Deletes the followers of one Job that violate its placement; the Job is `namespace/uid`. */
  async reconcile(job: string): Promise<PodOutcome> {
    try {
      const outcome = await this.#reconcile(job);
      this.#failing.delete(job);
      return outcome;
    } catch (error) {
      this.#logFailure(job, error);
      return FAILED;
    }
  }

  async #reconcile(job: string): Promise<PodOutcome> {
    const { podsOf, cached } = this.#options;
    const jobUid = job.slice(job.indexOf("/") + 1);
    const scheduled = scheduledLeaders(podsOf(job));
    if (scheduled.length === 0) return DONE;
    const leaders = await this.#placed(scheduled, false);
    if (leaders === undefined) return NOT_YET;
    if (placementViolations({ jobUid, leaders, pods: podsOf(job) }).length === 0) return DONE;
    if (!await this.#areStillThere(scheduled)) return NOT_YET;
    const certain = await this.#placed(scheduled, true);
    if (certain === undefined) return NOT_YET;
    const violations = placementViolations({ jobUid, leaders: certain, pods: podsOf(job) });
    const isOverdue = () => this.#isStopped || !scheduled.every((leader) => isUnmoved(cached(leader.pod), leader));
    const results = await Promise.allSettled(violations.map((pod) => this.#evict(pod, certain, isOverdue)));
    const failure = results.find((result) => result.status === "rejected");
    if (failure !== undefined) throw failure.reason;
    const isSettled = results.every((result) => result.status === "fulfilled" && result.value);
    return isSettled ? DONE : NOT_YET;
  }

  /** The leaders with the domains of their Nodes; undefined while one of them has none (spec 4.2: retry, delete nothing). */
  async #placed(leaders: readonly ScheduledLeader[], isCertain: boolean): Promise<readonly PlacedLeader[] | undefined> {
    const { domain: ask, log } = this.#options;
    const placed: PlacedLeader[] = [];
    for (const { pod, topologyKey } of leaders) {
      const { nodeName } = pod;
      const domain = await ask({ nodeName, topologyKey, isCertain });
      if (domain === undefined) {
        const fields = { leader: objectKey(pod.namespace, pod.name), node: nodeName, label: topologyKey };
        log.info(1, "a leader's node is gone or lacks the topology label; its followers stay", fields);
        return undefined;
      }
      placed.push({ topologyKey, domain });
    }
    return placed;
  }

  /** Whether the API server too has each of the leaders where the cache has it. */
  async #areStillThere(leaders: readonly ScheduledLeader[]): Promise<boolean> {
    for (const leader of leaders) {
      const now = readPod(asObject(await this.#read(leader.pod)) ?? {});
      if (!isUnmoved(now, leader)) return false;
    }
    return true;
  }

  /** The Pod of this name as the API server has it. */
  async #read(pod: Pod): Promise<unknown> {
    const [found] = asArray(at(await this.#options.client.request(listPod(pod)), "items"));
    return found;
  }

  /**
   * The condition first: should we end between the two, the next reconcile finds the Pod as it was, and does both again. False where
   * the Pod is another one by now, or changed as we wrote, or the decision is overdue: what is to be done is decided anew.
   */
  async #evict(pod: Pod, leaders: readonly PlacedLeader[], isOverdue: () => boolean): Promise<boolean> {
    const { client, clock, observe } = this.#options;
    await this.#places.acquire();
    try {
      if (!await this.#isConfirmed(pod, leaders)) return true;
      if (isOverdue()) return false;
      await client.request(markViolation(pod, clock.now()));
      if (isOverdue()) return false;
      this.#noteDeletion(pod, await client.request(deletePod(pod)));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      if (!isNotFound(error)) throw error;
      observe.deleted(pod);
      return true;
    } finally {
      this.#places.release();
    }
  }

  /** A Pod whose own annotation names another topology, or none, was made by hand: its node selector has to be read. */
  async #isConfirmed(pod: Pod, leaders: readonly PlacedLeader[]): Promise<boolean> {
    if (isSelectorKnown(pod, leaders)) return true;
    const body = await this.#read(pod);
    return at(body, "metadata", "uid") === pod.uid && isMisplaced(asObject(at(body, "spec", "nodeSelector")), leaders);
  }

  /** The answer is the Pod: on its way out, or as it was last. */
  #noteDeletion(pod: Pod, answer: unknown): void {
    const { observe, log } = this.#options;
    const left = asString(at(answer, "kind")) === "Status" ? undefined : readPod(asObject(answer) ?? {});
    if (left?.isDeleting) observe.written(left);
    else observe.deleted(left ?? pod);
    log.info(2, "deleted Pod outside its leader's topology domain", { object: objectKey(pod.namespace, pod.name) });
  }

  #logFailure(job: string, error: unknown): void {
    const isNews = !this.#failing.has(job) && !this.#isStopped;
    this.#failing.add(job);
    const fields = { job, error: messageOf(error) };
    this.#options.log.info(isNews ? 0 : 1, "checking exclusive placement failed and is tried again", fields);
  }
}

/** Whether a leader is still the Pod that was looked at, and where it was. */
function isUnmoved(now: Pod | undefined, { pod, topologyKey }: ScheduledLeader): boolean {
  return now !== undefined && now.uid === pod.uid && isLeader(now) && now.jobUid === pod.jobUid &&
    now.nodeName === pod.nodeName && now.topologyKey === topologyKey;
}
