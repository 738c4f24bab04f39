/** A controller with feature gates for one namespace alone; the tests beside it do not meet them. */
import type { FeatureGate } from "../../src/api/feature_gates.ts";
import type { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { OwnWebhooks } from "./own_webhooks.ts";

const LOG_LINES = 40;

export function gateFlags(gates: readonly FeatureGate[]): readonly string[] {
  return gates.length === 0 ? [] : [`--feature-gates=${gates.map((gate) => `${gate}=true`).join()}`];
}

/** Runs `body` while such a controller runs. The webhooks of the namespace, if it has any, do not know the gates. */
export async function withGates(
  cluster: Cluster,
  gates: readonly FeatureGate[],
  body: (controller: Controller) => Promise<void>,
): Promise<void> {
  const { environment, namespace } = cluster;
  const flags = [`--namespace=${namespace}`, ...gateFlags(gates)];
  const controller = new Controller(environment, await environment.controllerKubeconfig(), { flags });
  try {
    await controller.start();
    await body(controller);
  } catch (error) {
    console.error(`${namespace}: the controller's log ends:\n${controller.logTail(LOG_LINES)}`);
    throw error;
  } finally {
    await controller.dispose();
  }
}

/** The whole installation with the gates on, webhooks and all, in a namespace of its own. */
export async function installedWithGates(
  { environment }: Cluster,
  gates: readonly FeatureGate[],
  body: (cluster: Cluster, controller: Controller) => Promise<void>,
): Promise<void> {
  const own = await OwnWebhooks.start(environment, { flags: gateFlags(gates) });
  try {
    await withGates(own.cluster, gates, (controller) => body(own.cluster, controller));
  } finally {
    await own.stop();
  }
}
