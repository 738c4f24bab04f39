/**
 * The controller's side of the restart in place (spec 5.1). What it and the agents (spec 5.2) say to each other:
 *
 * - An agent takes `current + 1` at its start (0 while current is unset) and writes it to its Pod; it ends once that is not above
 *   `previous`, and lifts its barrier once it equals `current`.
 * - The controller sets `current` once all Pods say the same, and `previous` to one less than the highest that a Pod says.
 *
 * Why they agree whatever comes late: while a run goes on both numbers only rise, and so does what one Pod says, for an agent reads `current` from
 * the API server itself when it starts. So no Pod is ever above `current + 1`, and `previous` never passes `current`: the Pod
 * that failed is the one at `current + 1`, all others end, come back, and take that same number. Several that fail at once take
 * the same number too. One that fails again before all are back takes it once more, and costs no further attempt.
 *
 * - An old view of the Pods can only keep the numbers where they are: attempts all equal and below `current` are such a view.
 * - A Pod that is being deleted, or that an older Job left behind, still counts: no barrier lifts beside a worker that may yet run.
 *   Once it is gone, its successor starts above `current`, which brings everybody to its attempt. That is how a restart of the
 *   whole JobSet, or a Pod evicted, ends in agreement as well. Only Pods of phase Failed say nothing more.
 * - A Pod that has succeeded keeps its word for ever: the others, should one of them fail, wait at their barriers for it. Which
 *   workers may go on without it nobody knows here, so an event tells of it; the success policy may still end the JobSet.
 */
import { asInteger, at } from "../base/json.ts";
import { type JobSet, restartsInPlace } from "../api/job_set.ts";
import type { Pod } from "../api/pod.ts";
import type { Buckets } from "./buckets.ts";
import { fail } from "./failure_policy.ts";
import type { StatusDraft } from "./status_draft.ts";
import type { EventDraft, Gates } from "./types.ts";

const STRATEGY = "InPlaceRestart";
/** The type of the two status fields (spec 1.2): a higher attempt could never be written. */
const MAX_INT32 = 2 ** 31 - 1;

/** What it comes to, beside what it puts into the status draft. */
export interface InPlaceRestart {
  readonly finished?: "failed";
  /** The Pods do not agree yet. */
  readonly isRestartingInPlace?: true;
  /** Nothing can be agreed on as things stand; nothing was written. */
  readonly error?: string;
  readonly notices?: readonly EventDraft[];
}

/** The last step of the reconcile of an unfinished JobSet. Its cost is one look at each Pod. */
export function restartInPlace(
  { jobSet, pods, buckets, gates, draft }: {
    jobSet: JobSet;
    buckets: Pick<Buckets, "active" | "previous">;
    /** Undefined while not all of them are known. */
    pods: Iterable<Pod> | undefined;
    gates: Gates;
    draft: StatusDraft;
  },
): InPlaceRestart {
  if (pods === undefined || !restartsInPlace(jobSet, gates)) return {};
  const { status } = jobSet;
  const maxRestarts = jobSet.failurePolicy?.maxRestarts ?? 0;
  const told = readPods(jobSet, pods);
  if (isOver({ jobSet, told, buckets })) {
    draft.setInPlaceRestart({ previousInPlaceRestartAttempt: null, currentInPlaceRestartAttempt: null });
    return {};
  }
  if (told.restartCount > maxRestarts) return failAtMaximum(draft);
  if (told.malformed !== undefined) return refuse(malformedText(told.malformed));
  const uncounted = status.restarts - status.restartsCountTowardsMax;
  if (told.highest - uncounted > maxRestarts) return failAtMaximum(draft);
  const total = workerCount(jobSet);
  if (typeof total === "string") return refuse(total);
  if (told.count === total && told.count > 0 && told.lowest === told.highest) {
    if (told.highest > (status.currentInPlaceRestartAttempt ?? -1)) {
      draft.setInPlaceRestart({ currentInPlaceRestartAttempt: told.highest });
    }
    return {};
  }
  if (told.highest > 0 && told.highest - 1 > (status.previousInPlaceRestartAttempt ?? -1)) {
    draft.setInPlaceRestart({ previousInPlaceRestartAttempt: told.highest - 1 });
  }
  const { succeeded } = told;
  // What an older attempt of the whole JobSet left behind is about to go.
  const isBlocked = succeeded !== undefined && succeeded.attempt < told.highest && buckets.previous.length === 0;
  return {
    ...(told.count > 0 ? { isRestartingInPlace: true } : {}),
    ...(isBlocked ? { notices: [blockedBy(succeeded)] } : {}),
  };
}

/** Spec 5.1: stored with the gate off, the strategy is logged once and behaves as Recreate. */
export function strategyProblems({ failurePolicy }: JobSet, gates: Gates): readonly string[] {
  if (gates.InPlaceRestart || failurePolicy?.restartStrategy !== STRATEGY) return [];
  return [`restart strategy "${STRATEGY}" behaves as Recreate: feature gate InPlaceRestart is disabled`];
}

/**
 * A suspended run, of which no Pod is left that could say or hear anything. Beyond spec 5.1: its numbers go with it, else the Pods of
 * the next run would begin one above them, and a JobSet would use up its maxRestarts by being suspended and resumed.
 */
function isOver(
  { jobSet, told, buckets }: { jobSet: JobSet; told: Told; buckets: Pick<Buckets, "active" | "previous"> },
): boolean {
  const { previousInPlaceRestartAttempt, currentInPlaceRestartAttempt } = jobSet.status;
  if (previousInPlaceRestartAttempt === undefined && currentInPlaceRestartAttempt === undefined) return false;
  const isAnyLeft = told.isAnyLeft || buckets.previous.length > 0;
  return jobSet.suspend && !isAnyLeft && buckets.active.every(({ isSuspended, active }) => isSuspended && active === 0);
}

interface Told {
  /** There are Pods of other phases than Failed. */
  isAnyLeft: boolean;
  /** Pods that say an attempt. */
  count: number;
  /** Of the attempts; 0 without any. */
  highest: number;
  lowest: number;
  /** The highest of any container. */
  restartCount: number;
  /** Of those that have succeeded, the one of the lowest attempt, the first by name. */
  succeeded: Succeeded | undefined;
  /** The first by name, so that the words are the same each time. */
  malformed: Pod | undefined;
}

interface Succeeded {
  readonly name: string;
  readonly attempt: number;
}

function readPods({ uid }: JobSet, pods: Iterable<Pod>): Told {
  const told: Told = {
    isAnyLeft: false,
    count: 0,
    highest: 0,
    lowest: MAX_INT32,
    restartCount: 0,
    succeeded: undefined,
    malformed: undefined,
  };
  for (const pod of pods) {
    if (pod.jobSetUid !== undefined && pod.jobSetUid !== uid) continue;
    told.restartCount = Math.max(told.restartCount, pod.restartCount);
    if (pod.phase !== "Failed") told.isAnyLeft = true;
    if (pod.phase === "Failed" || pod.inPlaceRestartAttempt === undefined) continue;
    const attempt = readAttempt(pod.inPlaceRestartAttempt);
    if (attempt === undefined) {
      if (told.malformed === undefined || pod.name < told.malformed.name) told.malformed = pod;
      continue;
    }
    told.count++;
    told.highest = Math.max(told.highest, attempt);
    told.lowest = Math.min(told.lowest, attempt);
    if (pod.phase === "Succeeded") told.succeeded = lower(told.succeeded, { name: pod.name, attempt });
  }
  return told;
}

function lower(a: Succeeded | undefined, b: Succeeded): Succeeded {
  return a === undefined || b.attempt < a.attempt || (b.attempt === a.attempt && b.name < a.name) ? b : a;
}

function readAttempt(text: string): number | undefined {
  const attempt = /^\+?\d{1,15}$/.test(text) ? Number(text) : MAX_INT32 + 1;
  return attempt > MAX_INT32 ? undefined : attempt;
}

/** Spec 5.1, rule 4: how many Pods must agree; or why that is not known. */
function workerCount({ replicatedJobs }: JobSet): number | string {
  let total = 0;
  for (const { name, replicas, template } of replicatedJobs) {
    const parallelism = asInteger(at(template, "spec", "parallelism"));
    const completions = asInteger(at(template, "spec", "completions"));
    if (parallelism === undefined || parallelism !== completions) {
      return `replicatedJob "${name}" can't restart in place: its completions (${completions ?? "unset"}) and ` +
        `parallelism (${parallelism ?? "unset"}) must be set and equal`;
    }
    total += replicas * parallelism;
  }
  return total;
}

function malformedText({ name, inPlaceRestartAttempt }: Pod): string {
  return `Pod "${name}" has an in-place-restart-attempt that is no non-negative integer: ` +
    JSON.stringify(inPlaceRestartAttempt?.slice(0, 100));
}

/** Nothing else tells why all Pods run and none works. */
function blockedBy({ name, attempt }: Succeeded): EventDraft {
  const note =
    `Pod "${name}" has succeeded in attempt ${attempt} and takes part in no other: the workers that restart wait for it`;
  return { type: "Warning", reason: "InPlaceRestartBlocked", note };
}

function refuse(error: string): InPlaceRestart {
  return { error, notices: [{ type: "Warning", reason: "InPlaceRestartFailed", note: error }] };
}

function failAtMaximum(draft: StatusDraft): InPlaceRestart {
  fail(draft, "ReachedMaxRestarts", "jobset failed due to reaching max number of restarts");
  return { finished: "failed" };
}
