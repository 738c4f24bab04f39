/**
 * A control plane of its own with one replica as installed, which serves the webhooks and does the work: for counts and faults that
 * other tests must not meet.
 */
import { join } from "node:path";
import { asString, at } from "../../src/base/json.ts";
import { buildBinary } from "../../scripts/build.ts";
import { type ControlPlaneOptions, startControlPlane } from "../../scripts/control_plane.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { Cluster } from "./cluster.ts";
import type { Controller } from "./controller.ts";
import { CONTROLLER_USER, describe, Environment } from "./environment.ts";
import { applyManifest } from "./installation.ts";
import { group, jobSet } from "./job_sets.ts";
import { installedReplica, type OwnInstallation } from "./own_installation.ts";

const CRD_FILE = join(import.meta.dir, "../../crds/jobset.x-k8s.io_jobsets.yaml");
const CALLED_MS = 20_000;

export interface PlacementInstallation {
  readonly environment: OwnInstallation;
  /** Runs, and is started again on the same ports. */
  readonly controller: Controller;
  readonly metricsPort: number;
  stop(): Promise<void>;
}

export async function startPlacementInstallation(options: ControlPlaneOptions = {}): Promise<PlacementInstallation> {
  const [binary, controlPlane] = await Promise.all([
    buildBinary(),
    startControlPlane({ auditUsers: [CONTROLLER_USER], crds: [CRD_FILE], ...options }),
  ]);
  const [webhookPort = 0] = await findFreePorts(1);
  const description = describe(controlPlane, { binary, webhookPort });
  const { kubectl } = controlPlane.binaries;
  const environment = Object.assign(new Environment(description, kubectl, () => controlPlane.stop()), { controlPlane });
  let controller: Controller | undefined;
  const stop = async () => {
    await controller?.dispose();
    await environment.stop();
  };
  try {
    await applyManifest(environment);
    const replica = await installedReplica(environment, { webhookPort });
    controller = replica.controller;
    await controller.start();
    await webhooksCalled(environment, controller);
    return { environment, controller, metricsPort: replica.metricsPort, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Once the API server reaches them: it hears of the CA a moment after the replica is ready. */
async function webhooksCalled(environment: Environment, controller: Controller): Promise<void> {
  const cluster = await Cluster.create(environment);
  const probe = `${cluster.path("jobsets")}?dryRun=All`;
  await waitFor("the webhooks to be called", {
    timeoutMs: CALLED_MS,
    check: async () => (await cluster.api.request("POST", probe, jobSet("probe", [group("a")]))).code === 201,
    describe: () => controller.logTail(),
  });
  await cluster.remove();
}

/** The `namespace/name` of each Pod that the controller deleted since a place in the audit log. */
export function podsDeletedSince(environment: Environment, position: number, namespace: string): readonly string[] {
  return environment.auditSince(position, namespace)
    .filter((entry) => at(entry, "verb") === "delete" && at(entry, "objectRef", "resource") === "pods")
    .map((entry) => `${namespace}/${asString(at(entry, "objectRef", "name"))}`);
}
