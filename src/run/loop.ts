/** From full caches to requests: queue, workers, reconciler, while this process leads (design: the order of the folders). */
import { aborted } from "../base/aborted.ts";
import { hostname } from "node:os";
import { type Clock, sleep } from "../base/clock.ts";
import type { FeatureGates } from "../api/feature_gates.ts";
import type { JobSet } from "../api/job_set.ts";
import { objectKey } from "../api/names.ts";
import { EventRecorder } from "../apply/event_recorder.ts";
import { type Outcome, Reconciler } from "../apply/reconciler.ts";
import type { KubeClient } from "../client/kube_client.ts";
import type { ControllerMetrics } from "../metrics/controller_metrics.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { reconcileResult } from "../metrics/reconcile_result.ts";
import type { WorkQueue } from "../queue/work_queue.ts";
import { runWorkers } from "../queue/workers.ts";
import type { CrdCheck } from "./crd_check.ts";
import { wakeInPlaceRestarts } from "./pod_triggers.ts";
import type { PodWatches } from "./pod_watches.ts";
import type { Caches, Parts, Watches } from "./watches.ts";

/** JobSets reconciled at once. */
export const WORKERS = 8;
/** Spec 6.3: how long the effects under way may take once we are told to stop. */
const DRAIN_MS = 10_000;

export interface LoopOptions extends Parts {
  /** Writes only while we lead. */
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly queue: WorkQueue;
  readonly watches: Watches;
  readonly podWatches: PodWatches;
  readonly crdCheck: CrdCheck;
  readonly metrics: Metrics;
  readonly reconciles: ControllerMetrics;
  readonly gates: FeatureGates;
  /** Our admission guards the JobSets: no pod template changes but in a suspended one. */
  readonly hasAdmission: boolean;
}

/**
 * Reconciles until the signal aborts, then finishes what is under way, for at most ten seconds; `isCut` ends that too, as
 * after the loss of the lease.
 */
export async function runLoop(options: LoopOptions, signal: AbortSignal, isCut: AbortSignal): Promise<void> {
  const { clock, log, client, caches, queue, watches, podWatches, gates, hasAdmission, metrics } = options;
  const events = new EventRecorder({ client, clock, log, instance: `jobset-${hostname()}` });
  const reconciler = new Reconciler({
    ...caches,
    client,
    events,
    clock,
    log,
    gates,
    hasAdmission,
    priorities: () => watches.priorities,
    podsOf: (key) => podWatches.pods.cache?.byOwner(key).values(),
    wake: (key) => queue.add(key),
    onFinished: (jobSet, state) => metrics.jobSets.finished(jobSet, state),
  });
  connectTriggers(options, events);
  if (gates.InPlaceRestart) wakeInPlaceRestarts({ ...options, jobSets: caches.jobSets, wake: (key) => queue.add(key) });
  watches.onRecovered(() => reconciler.hurry());
  const workers = runWorkers({
    queue,
    workers: WORKERS,
    process: (key) => processKey(options, reconciler, key),
    signal,
    clock,
    log,
    drainMs: DRAIN_MS,
  });
  await Promise.race([aborted(signal), watches.failed, podWatches.failed]);
  await Promise.race([Promise.all([workers, drained(reconciler, clock)]), aborted(isCut)]);
  if (!isCut.aborted) await events.stop();
}

/** Resolves once the requests under way have settled, after ten seconds at most. */
async function drained(reconciler: Reconciler, clock: Clock): Promise<void> {
  const timeUp = new AbortController();
  await Promise.race([reconciler.stop(), sleep(clock, DRAIN_MS, timeUp.signal).catch(() => undefined)]);
  timeUp.abort();
}

async function processKey({ queue, reconciles }: LoopOptions, reconciler: Reconciler, key: string): Promise<void> {
  const { outcome, restMs } = await reconciles.measure(
    () => reconciler.reconcile(key),
    (reconciled) => reconcileResult(reconciled.outcome),
  );
  queue.rest(key, restMs);
  followUp(queue, key, outcome);
}

function followUp(queue: WorkQueue, key: string, outcome: Outcome): void {
  switch (outcome.kind) {
    case "done":
      queue.forget(key);
      if (outcome.lookAgainMs !== undefined) queue.addAfter(key, outcome.lookAgainMs);
      return;
    case "again":
      queue.forget(key);
      queue.addAfter(key, outcome.afterMs);
      return;
    case "backOff":
      queue.addRateLimited(key);
      return;
  }
}

/** Spec 3.11: what wakes a JobSet; all that are there already are awake at once. */
function connectTriggers({ caches, queue, crdCheck, metrics }: LoopOptions, events: EventRecorder): void {
  const { jobSets, jobs, services } = caches;
  const warn = (jobSet: JobSet) => {
    const warning = crdCheck.eventFor(jobSet);
    if (warning !== undefined) events.emit(jobSet, warning);
  };
  jobSets.onChange((change) => {
    const jobSet = change.kind === "delete" ? change.before : change.after;
    queue.add(objectKey(jobSet.namespace, jobSet.name));
    if (change.kind === "delete") {
      events.forget(jobSet.uid);
      return metrics.jobSets.deleted(jobSet);
    }
    metrics.jobSets.seen(jobSet);
    warn(jobSet);
  });
  jobs.onChange((change) => queue.add((change.kind === "delete" ? change.before : change.after).ownerKey));
  services.onChange((change) => {
    const service = change.kind === "delete" ? change.before : change.after;
    if (service.ownerKey !== undefined) queue.add(service.ownerKey);
    if (change.kind === "upsert") return;
    // A Service may serve JobSets that do not own it: one of them makes it anew.
    for (const jobSet of jobSets.values()) {
      if (jobSet.namespace === service.namespace && jobSet.network.subdomain === service.name) {
        queue.add(objectKey(jobSet.namespace, jobSet.name));
      }
    }
  });
  const warnAll = () => {
    for (const jobSet of jobSets.values()) warn(jobSet);
  };
  crdCheck.onOutdated(warnAll);
  warnAll();
  for (const { namespace, name } of jobSets.values()) queue.add(objectKey(namespace, name));
}
