import { type Clock, systemClock } from "../base/clock.ts";
import { thisVersion, userAgent } from "../base/version.ts";
import type { KubeClient } from "../client/kube_client.ts";
import type { CommandContext } from "./command_line.ts";

export interface ClusterClient {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Of the kubeconfig's context. */
  readonly namespace: string | undefined;
}

/** Runs `act` with a client of the cluster that `--kubeconfig` and `--context` name, once its API server answers. */
export async function withClient(
  { kubeconfig, context: contextName }: {
    readonly kubeconfig: string | undefined;
    readonly context: string | undefined;
  },
  { env, signal, writeError }: CommandContext,
  act: (cluster: ClusterClient) => Promise<void>,
): Promise<void> {
  const clock = systemClock();
  const log = { info: () => {}, error: (message: string) => writeError(`warning: ${message}\n`) };
  // Loaded only here: the other commands need no client.
  const [{ loadClusterAccess }, { createKubeClient }, { waitForServer }] = await Promise.all([
    import("../client/cluster_access.ts"),
    import("../client/kube_client.ts"),
    import("../client/start_problem.ts"),
  ]);
  const access = await loadClusterAccess({ kubeconfig, context: contextName, env, clock, log });
  const client = createKubeClient({ access, env, qps: 0, burst: 0, userAgent: userAgent(thisVersion()), clock });
  try {
    await waitForServer({ client, server: access.server, clock, signal });
    await act({ client, clock, namespace: access.namespace });
  } finally {
    client.close();
  }
}
