import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type FaultProxy, startFaultProxy } from "../../scripts/fault_proxy.ts";
import type { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";

const LOG_LINES = 40;

export interface BehindProxy {
  readonly cluster: Cluster;
  readonly proxy: FaultProxy;
  /** Watches this namespace only; not started yet. */
  readonly controller: Controller;
}

/** Runs `body` with a controller of its own whose every request goes through a fault proxy of its own. */
export async function behindProxy(
  cluster: Cluster,
  body: (parts: BehindProxy) => Promise<void>,
  flags: readonly string[] = [],
): Promise<void> {
  const { environment } = cluster;
  const { url, caFile } = environment.description;
  const proxy = await startFaultProxy({
    url,
    caPem: readFileSync(caFile, "utf8"),
    caKeyPem: readFileSync(join(dirname(caFile), "ca.key"), "utf8"),
  });
  const kubeconfig = await environment.controllerKubeconfig(proxy.url);
  const options = { flags: [`--namespace=${cluster.namespace}`, ...flags] };
  const controller = new Controller(environment, kubeconfig, options);
  try {
    await body({ cluster, proxy, controller });
  } catch (error) {
    console.error(`${cluster.namespace}: the controller's log ends:\n${controller.logTail(LOG_LINES)}`);
    throw error;
  } finally {
    proxy.clearRules();
    await controller.kill();
    await controller.dispose();
    await proxy.stop();
  }
}

/** Whether the controller never logged at error level, and never ended with an error. */
export function errorLines(controller: Controller): readonly string[] {
  return controller.logLines("").filter((line) => / ERROR |^error:|^panic/.test(line));
}
