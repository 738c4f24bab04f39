/** Takes away what a round of the placement bench made. */
import type { Cluster } from "../e2e/cluster.ts";

const GONE_MS = 120_000;

export async function removeJobSet(cluster: Cluster, name: string): Promise<void> {
  await cluster.delete("jobsets", name);
  const areGone = async () => (await cluster.jobs(name)).length === 0;
  await cluster.eventually(`the Jobs of ${name} to be gone`, areGone, GONE_MS);
  await removePods(cluster, `jobset.sigs.k8s.io/jobset-name=${name}`);
}

/** At once: there is no kubelet that would do it. */
export async function removePods(cluster: Cluster, labelSelector: string): Promise<void> {
  const query = `labelSelector=${encodeURIComponent(labelSelector)}`;
  await cluster.eventually("the Pods to be gone", async () => {
    await cluster.api.delete(`${cluster.path("pods")}?${query}`, { gracePeriodSeconds: 0 });
    return (await cluster.list("pods", `limit=1&${query}`)).length === 0;
  }, GONE_MS);
}
