/** `kill -9` of the API server in the middle of restarts; on a control plane of its own. */
import { expect } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { ControlPlane } from "../../scripts/control_plane.ts";
import { errorLines } from "./behind_proxy.ts";
import { Cluster, isDeleting, nameOf, uidOf } from "./cluster.ts";
import { startController } from "./controller.ts";
import { type Environment, startEnvironment } from "./environment.ts";
import { RestartedJobSet } from "./kill_moments.ts";

/** No garbage collector: after some ends of the API server it leaves deleted Jobs alone for minutes (`collectJobs`). */
const CONTROLLERS = ["namespace-controller", "serviceaccount-controller"];
/** Watches wait longer after each end of the API server, at last for more than half a minute. */
const RECOVERY_MS = 90_000;
const COLLECT_EVERY_MS = 20;

export type OwnEnvironment = Environment & { readonly controlPlane: ControlPlane };

export function startOwnEnvironment(): Promise<OwnEnvironment> {
  return startEnvironment({ controllerManager: { controllers: CONTROLLERS }, scheduler: false }, 0);
}

/** Lets the deleted Jobs of a namespace go, as the garbage collector does, until the signal aborts; they have no dependents. */
export async function collectJobs(cluster: Cluster, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const job of (await cluster.list("jobs")).filter(isDeleting)) {
        await cluster.patch("jobs", nameOf(job), { metadata: { uid: uidOf(job), finalizers: null } });
      }
    } catch {
      // The API server is away, or the Job has gone meanwhile.
    }
    await new Promise((resolve) => setTimeout(resolve, COLLECT_EVERY_MS));
  }
}

/** Kills the API server at random moments of as many restarts and starts it again; etcd is compacted in between. */
export async function killApiServerAtRandomMoments(
  environment: OwnEnvironment,
  { moments, random }: { readonly moments: number; readonly random: Random },
): Promise<void> {
  const { controlPlane } = environment;
  const cluster = await Cluster.create(environment);
  const controller = await startController(environment);
  const end = new AbortController();
  const collected = collectJobs(cluster, end.signal);
  try {
    const restarted = await RestartedJobSet.create(cluster);
    const lengthMs = await restarted.measure(random);
    for (let moment = 0; moment < moments; moment++) {
      const afterMs = (moment + random.next()) / moments * lengthMs;
      await restarted.failOne(random);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await controlPlane.killApiServer();
      // Old watches can't be resumed after this: 410, and a new list.
      if (moment % 2 === 1) await controlPlane.compactEtcd();
      await controlPlane.startApiServer();
      console.log(
        `API server killed ${afterMs.toFixed(0)} of ${lengthMs.toFixed(0)} ms after the failure: ${await restarted
          .progress()}`,
      );
      await restarted.restarted(RECOVERY_MS);
    }
    await restarted.finish(false);
    expect(errorLines(controller)).toEqual([]);
  } catch (error) {
    console.error(`the controller's log ends:\n${controller.logTail()}`);
    throw error;
  } finally {
    end.abort();
    await collected;
    await controller.dispose();
  }
}
