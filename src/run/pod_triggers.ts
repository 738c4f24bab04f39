/** What wakes whom when a Pod or a Node has changed (spec 3.11, 4.2). */
import type { FeatureGates } from "../api/feature_gates.ts";
import { type JobSet, restartsInPlace } from "../api/job_set.ts";
import { objectKey } from "../api/names.ts";
import type { Node } from "../api/node.ts";
import { hasLeaderIndex, isLeader, type Pod } from "../api/pod.ts";
import type { CacheChange, ObjectCache } from "../cache/object_cache.ts";
import { jobOf, type PodIndex } from "../cache/pod_index.ts";

/** Tells of each change of a cache; the index of its Pods shows it by then. */
interface Changes<T> {
  onChange(listener: (change: CacheChange<T>) => void): void;
}

/** The JobSets with strategy InPlaceRestart follow their Pods, as far as spec 5.1 reads them. */
export function wakeInPlaceRestarts({ podWatches, jobSets, gates, wake }: {
  readonly podWatches: {
    readonly pods: Changes<Pod> & { readonly cache: unknown; onTurn(listener: () => void): void };
  };
  readonly jobSets: ObjectCache<JobSet>;
  readonly gates: FeatureGates;
  readonly wake: (key: string) => void;
}): void {
  podWatches.pods.onChange((change) => {
    const pod = change.kind === "delete" ? change.before : change.after;
    const jobSet = jobSets.get(pod.namespace, pod.ownerKey.slice(pod.namespace.length + 1));
    if (jobSet !== undefined && restartsInPlace(jobSet, gates) && saysNews(change)) wake(pod.ownerKey);
  });
  // Before all of them were known nothing could be said.
  podWatches.pods.onTurn(() => {
    if (podWatches.pods.cache === undefined) return;
    for (const jobSet of jobSets.values()) {
      if (restartsInPlace(jobSet, gates)) wake(objectKey(jobSet.namespace, jobSet.name));
    }
  });
}

function saysNews(change: CacheChange<Pod>): boolean {
  if (change.kind === "delete" || change.before === undefined) return true;
  const { before, after } = change;
  return before.phase !== after.phase || before.restartCount !== after.restartCount ||
    before.inPlaceRestartAttempt !== after.inPlaceRestartAttempt || before.jobSetUid !== after.jobSetUid;
}

/** Jobs with exclusive placement are looked at once their leader, a follower or the leader's Node says something new. */
export function wakePodChecks(
  { podWatches: { pods, nodes, index }, wake }: {
    readonly podWatches: { readonly pods: Changes<Pod>; readonly nodes: Changes<Node>; readonly index: PodIndex };
    /** The Job is `namespace/uid`. */
    readonly wake: (job: string) => void;
  },
): void {
  pods.onChange((change) => {
    // A Pod that is gone is in nobody's place.
    if (change.kind === "delete") return;
    const { before, after } = change;
    const job = jobOf(after);
    if (job === undefined || (before !== undefined && placementOf(before) === placementOf(after))) return;
    if (hasLeaderIndex(after) ? after.topologyKey !== undefined : index.isExclusive(job)) wake(job);
  });
  nodes.onChange((change) => {
    if (change.kind === "delete" || change.before?.domains === change.after.domains) return;
    for (const job of index.jobsLedFrom(change.after.name)) wake(job);
  });
  for (const job of index.exclusiveJobs()) wake(job);
}

/** What spec 4.2 reads of a Pod. */
function placementOf(pod: Pod): string {
  const { nodeName, topologyKey, topologyValue } = pod;
  return hasLeaderIndex(pod) ? `${isLeader(pod)} ${nodeName} ${topologyKey}` : `${topologyKey} ${topologyValue}`;
}
