import { systemClock } from "../../src/base/clock.ts";
import { asString, at } from "../../src/base/json.ts";
import { loadClusterAccess } from "../../src/client/cluster_access.ts";
import { createKubeClient } from "../../src/client/kube_client.ts";
import type { ContractApi, ContractServer } from "./api_contract.ts";
import { installCrd, sharedServer } from "./shared_server.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";

const CLIENT = { env: {}, qps: 0, burst: 0, userAgent: "contract-test", clock: systemClock() };

/** The one that `npm run e2e` starts. */
export async function realServer(): Promise<ContractServer> {
  const file = process.env["JOBSET_E2E"] ?? "";
  const server = await sharedServer();
  await installCrd(server);
  const described: unknown = await Bun.file(file).json();
  const [kubeconfig, etcdUrl] = [asString(at(described, "kubeconfig")), asString(at(described, "etcdUrl"))];
  const log = { info() {}, error() {} };
  const access = await loadClusterAccess({ kubeconfig, context: undefined, env: {}, clock: CLIENT.clock, log });
  const client = createKubeClient({ ...CLIENT, access });
  const openNamespace = async (): Promise<ContractApi> => {
    const namespace = `contract-${crypto.randomUUID().slice(0, 8)}`;
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
    await server.api.create("/api/v1/namespaces", body);
    await waitFor("the service account of Pods", {
      timeoutMs: 30_000,
      check: async () => {
        const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
        return (await server.api.request("GET", path)).code === 200;
      },
    });
    const compact = async (): Promise<void> => {
      const revision = asString(at(await server.api.get("/api/v1/namespaces"), "metadata", "resourceVersion"));
      const answer = await fetch(`${etcdUrl}/v3/kv/compaction`, {
        method: "POST",
        body: JSON.stringify({ revision, physical: true }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`compact etcd: ${text}`);
    };
    return { client, namespace, compact };
  };
  return { open: openNamespace, close: () => client.close() };
}
