import { buildBinary } from "../../scripts/build.ts";
import { startControlPlane } from "../../scripts/control_plane.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { startKubelet } from "../../scripts/kubelet.ts";
import { CONTROLLER_USER, describe, Environment } from "./environment.ts";

/** Runs `body` with a control plane and Nodes of its own, where nothing of ours is installed, not even the CRD. */
export async function inEmptyCluster(body: (environment: Environment) => Promise<void>): Promise<void> {
  const [binary, controlPlane] = await Promise.all([
    buildBinary(),
    startControlPlane({ auditUsers: [CONTROLLER_USER] }),
  ]);
  const kubelet = await startKubelet({ access: controlPlane.api.access, nodes: 3 });
  const [webhookPort = 0] = await findFreePorts(1);
  const description = describe(controlPlane, { binary, webhookPort });
  try {
    await body(new Environment(description, controlPlane.binaries.kubectl, () => Promise.resolve()));
  } finally {
    await kubelet.stop();
    await controlPlane.stop();
  }
}
