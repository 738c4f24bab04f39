/** A control plane with nothing but the manifest applied: whoever starts replicas of it knows all of them. */
import { join } from "node:path";
import { buildBinary } from "../../scripts/build.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/control_plane.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { Controller } from "./controller.ts";
import { describe, Environment } from "./environment.ts";
import { applyManifest, configFile } from "./installation.ts";

const CRD_FILE = join(import.meta.dir, "../../crds/jobset.x-k8s.io_jobsets.yaml");

export type OwnInstallation = Environment & { readonly controlPlane: ControlPlane };

/** The executable with the manifest's configuration, on ports that it keeps when it is started again. */
export interface InstalledReplica {
  readonly controller: Controller;
  readonly webhookPort: number;
  readonly metricsPort: number;
}

/**
 * Without Pods, Jobs and garbage collection: for what happens between the API server and the webhooks alone. The webhooks are
 * called on the description's port.
 */
export async function startOwnInstallation(): Promise<OwnInstallation> {
  const [binary, controlPlane] = await Promise.all([
    buildBinary(),
    startControlPlane({ crds: [CRD_FILE], controllerManager: false, scheduler: false }),
  ]);
  const [webhookPort = 0] = await findFreePorts(1);
  const description = describe(controlPlane, { binary, webhookPort });
  const environment = new Environment(description, controlPlane.binaries.kubectl, () => controlPlane.stop());
  try {
    await applyManifest(environment);
  } catch (error) {
    await environment.stop();
    throw error;
  }
  return Object.assign(environment, { controlPlane });
}

/** A replica, not started yet. */
export async function installedReplica(
  environment: Environment,
  { webhookPort, env = {} }: {
    readonly webhookPort?: number;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<InstalledReplica> {
  const [freePort = 0, metricsPort = 0] = await findFreePorts(2);
  const webhooks = webhookPort ?? freePort;
  const flags = [`--config=${await configFile(environment, { webhooks, metrics: metricsPort })}`];
  const controller = new Controller(environment, await environment.controllerKubeconfig(), { flags, env });
  return { controller, webhookPort: webhooks, metricsPort };
}
