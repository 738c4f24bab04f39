/** The Pod controller's queue and workers, while this process leads (spec 4.2). */
import type { PodLookUps } from "../admission/routes_pods.ts";
import { aborted } from "../base/aborted.ts";
import { type PodOutcome, PodReconciler } from "../apply/pod_reconciler.ts";
import type { KubeClient } from "../client/kube_client.ts";
import type { ControllerMetrics } from "../metrics/controller_metrics.ts";
import { reconcileResult } from "../metrics/reconcile_result.ts";
import type { WorkQueue } from "../queue/work_queue.ts";
import { runWorkers } from "../queue/workers.ts";
import { wakePodChecks } from "./pod_triggers.ts";
import type { PodWatches } from "./pod_watches.ts";
import type { Parts, Watches } from "./watches.ts";

/** Jobs looked at at once. */
export const POD_WORKERS = 4;
/** Spec 6.3: how long the requests under way may take once we are told to stop. */
const DRAIN_MS = 10_000;
/** Hundreds of followers may come at once, each of them news. */
const REST_MS = 50;
/** A Node that is gone may come back, or its leader find another. */
const RETRY_CAP_MS = 60_000;

export interface PodLoopOptions extends Parts {
  /** Writes only while we lead. */
  readonly client: KubeClient;
  readonly watches: Pick<Watches, "onRecovered">;
  readonly podWatches: PodWatches;
  readonly lookUps: Pick<PodLookUps, "domain">;
  /** Its keys are Jobs: `namespace/uid`. */
  readonly queue: WorkQueue;
  readonly reconciles: ControllerMetrics;
}

/** Deletes Pods that violate exclusive placement until the signal aborts, then finishes the requests under way; `isCut` ends that too. */
export async function runPodLoop(options: PodLoopOptions, signal: AbortSignal, isCut: AbortSignal): Promise<void> {
  const { clock, log, client, watches, podWatches, lookUps, queue, reconciles } = options;
  const reconciler = new PodReconciler({
    client,
    clock,
    log,
    podsOf: (job) => podWatches.index.ofJob(job),
    cached: ({ namespace, name }) => podWatches.pods.cache?.get(namespace, name),
    domain: (question) => lookUps.domain(question),
    observe: {
      written: (pod) => podWatches.pods.cache?.observeWrite(pod),
      deleted: (pod) => podWatches.pods.cache?.observeDelete(pod),
    },
  });
  wakePodChecks({ podWatches, wake: (job) => queue.add(job) });
  const waiting = new Set<string>();
  watches.onRecovered(() => {
    for (const job of waiting) hurry(queue, job);
  });
  const process = async (job: string) => {
    const outcome = await reconciles.measure(() => reconciler.reconcile(job), reconcileResult);
    queue.rest(job, REST_MS);
    if (outcome.kind === "done") waiting.delete(job);
    else waiting.add(job);
    followUp(queue, job, outcome);
  };
  const workers = runWorkers({ queue, workers: POD_WORKERS, process, signal, clock, log, drainMs: DRAIN_MS });
  await Promise.race([aborted(signal), podWatches.failed]);
  reconciler.stop();
  await Promise.race([workers, aborted(isCut)]);
}

function followUp(queue: WorkQueue, job: string, outcome: PodOutcome): void {
  if (outcome.kind === "done") queue.forget(job);
  else queue.addRateLimited(job, RETRY_CAP_MS);
}

/** The API server answers again: what an outage held up goes on at once. */
function hurry(queue: WorkQueue, job: string): void {
  queue.forget(job);
  queue.add(job);
}
