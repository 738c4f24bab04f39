/** Builds everything, in the order of the design's loop, starts it, and stops it in reverse. */
import { hostname } from "node:os";
import { type Clock, sleep, systemClock } from "./base/clock.ts";
import { createLogger } from "./base/logger.ts";
import { systemRandom } from "./base/random.ts";
import { thisVersion, userAgent } from "./base/version.ts";
import { objectKey } from "./api/names.ts";
import { EventRecorder } from "./apply/event_recorder.ts";
import { Reconciler } from "./apply/reconciler.ts";
import { ObjectCache } from "./cache/object_cache.ts";
import { loadClusterAccess } from "./client/cluster_access.ts";
import { createKubeClient } from "./client/kube_client.ts";
import type { ControllerSettings } from "./config/settings.ts";
import { WorkQueue } from "./queue/work_queue.ts";
import { runWorkers } from "./queue/workers.ts";
import { type Problem, startHealthServer } from "./server/health.ts";
import { waitForServer } from "./client/start_problem.ts";
import { type Caches, type Parts, Watches } from "./run/watches.ts";

/** JobSets reconciled at once. */
const WORKERS = 8;
/** A reconcile waits for one status write, with its retries: one that takes longer than this hangs. */
const STUCK_SECONDS = 900;
/** Spec 6.3: how long the effects under way may take once we are told to stop. */
const DRAIN_MS = 10_000;

/** Runs the controller until the signal aborts; the exit code. Throws one clear line where it can't start. */
export async function runController(
  settings: ControllerSettings,
  signal: AbortSignal,
  writeLog: (line: string) => void,
): Promise<number> {
  const clock = systemClock();
  const random = systemRandom();
  const log = createLogger({
    clock,
    verbosity: settings.logVerbosity,
    write: writeLog,
  });
  const access = await loadClusterAccess({
    kubeconfig: settings.kubeconfig,
    context: settings.context,
    env: process.env,
    clock,
    log,
  });
  const version = thisVersion();
  const client = createKubeClient({
    access,
    env: process.env,
    qps: settings.kubeApiQps,
    burst: settings.kubeApiBurst,
    userAgent: userAgent(version),
    clock,
  });
  const caches: Caches = { jobSets: new ObjectCache(), jobs: new ObjectCache(), services: new ObjectCache() };
  const parts: Parts = { clock, random, log, client };
  const queue = new WorkQueue({ clock });
  const watches = new Watches(parts, caches, settings.namespace);
  const health = startHealthServer({
    address: settings.health.bindAddress,
    livenessPath: settings.health.livenessEndpointName,
    readinessPath: settings.health.readinessEndpointName,
    checks: {
      alive: () => stuck(watches, queue),
      ready: () => unsynced(caches),
    },
  });
  log.info(0, "starting jobset", { version: version.version, commit: version.commit, server: access.server });
  try {
    await waitForServer({ client, server: access.server, clock, signal });
    if (!signal.aborted) await runLoop({ parts, caches, queue, watches, signal });
  } finally {
    await health?.stop();
    client.close();
  }
  log.info(0, "stopped");
  return 0;
}

/** From full caches until the signal: the workers, then what is under way is finished. */
async function runLoop(
  { parts, caches, queue, watches, signal }: {
    parts: Parts;
    caches: Caches;
    queue: WorkQueue;
    watches: Watches;
    signal: AbortSignal;
  },
): Promise<void> {
  const { clock, log, client } = parts;
  const events = new EventRecorder({ client, clock, log, instance: `jobset-${hostname()}` });
  const reconciler = new Reconciler({
    ...caches,
    client,
    events,
    clock,
    log,
    gates: { RestartJob: false },
    wake: (key) => queue.add(key),
  });
  connectTriggers(caches, queue);
  watches.onRecovered(() => reconciler.hurry());
  watches.start();
  const stopRequested = aborted(signal);
  try {
    await Promise.race([watches.synced, stopRequested]);
    if (signal.aborted) return;
    log.info(0, "caches are filled", {
      jobSets: caches.jobSets.size,
      jobs: caches.jobs.size,
      services: caches.services.size,
    });
    const process = (key: string) => processKey(reconciler, queue, key);
    const workers = runWorkers({ queue, workers: WORKERS, process, signal, clock, log, drainMs: DRAIN_MS });
    await Promise.race([workers, stopRequested, watches.failed]);
    await Promise.all([workers, drained(reconciler, clock)]);
  } finally {
    watches.stop();
    await events.stop();
  }
}

/** Resolves once the requests under way have settled, after ten seconds at most. */
async function drained(reconciler: Reconciler, clock: Clock): Promise<void> {
  const timeUp = new AbortController();
  await Promise.race([reconciler.stop(), sleep(clock, DRAIN_MS, timeUp.signal).catch(() => undefined)]);
  timeUp.abort();
}

async function processKey(reconciler: Reconciler, queue: WorkQueue, key: string): Promise<void> {
  const { outcome, restMs } = await reconciler.reconcile(key);
  queue.rest(key, restMs);
  switch (outcome.kind) {
    case "done":
      queue.forget(key);
      if (outcome.lookAgainMs !== undefined) queue.addAfter(key, outcome.lookAgainMs);
      return;
    case "again":
      queue.addAfter(key, outcome.afterMs);
      return;
    case "backOff":
      queue.addRateLimited(key);
      return;
  }
}

/** Spec 3.11: what wakes a JobSet. */
function connectTriggers({ jobSets, jobs, services }: Caches, queue: WorkQueue): void {
  jobSets.onChange((change) => {
    const { namespace, name } = change.kind === "delete" ? change.before : change.after;
    queue.add(objectKey(namespace, name));
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
}

/** Spec 6.3: the loops of the process are alive. */
function stuck(watches: Watches, queue: WorkQueue): Problem | undefined {
  const problems: string[] = [];
  if (!watches.isAlive) problems.push("watches: nothing has happened for minutes");
  if (queue.longestRunningSeconds > STUCK_SECONDS) {
    problems.push("workers: one JobSet has not been let go for too long");
  }
  return problems.length > 0 ? problems : undefined;
}

function unsynced(caches: Caches): Problem | undefined {
  const missing = Object.entries(caches)
    .filter(([, cache]) => !cache.isSynced)
    .map(([name]) => `${name}: the cache is not filled yet`);
  return missing.length > 0 ? missing : undefined;
}

/** Resolves once the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
