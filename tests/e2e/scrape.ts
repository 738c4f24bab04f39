/** /metrics of a replica as Prometheus reads it. */
import { asString, at } from "../../src/base/json.ts";
import type { Cluster } from "./cluster.ts";

const BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

export interface Scrape {
  readonly status: number;
  readonly text: string;
}

export async function scrape(port: number, token?: string): Promise<Scrape> {
  const response = await fetch(`https://127.0.0.1:${port}/metrics`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    tls: { rejectUnauthorized: false },
  });
  return { status: response.status, text: await response.text() };
}

/** The values by series, such as `workqueue_adds_total{name="jobset",controller="jobset"}`. */
export function series(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const end = line.lastIndexOf(" ");
    return [line.slice(0, end), Number(line.slice(end + 1))];
  }));
}

/** A token of a service account of its own in the test's namespace. */
export async function login({ api, namespace }: Cluster, name: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await api.create(accounts, { metadata: { name } });
  const answer = await api.create(`${accounts}/${name}/token`, { spec: { expirationSeconds: 3600 } });
  return asString(at(answer, "status", "token")) ?? "";
}

/** Lets a service account of the test's namespace read metrics, while `body` runs; the API server knows of it from the start. */
export async function whileReader(cluster: Cluster, account: string, body: () => Promise<void>): Promise<void> {
  const { api, namespace } = cluster;
  const name = `${namespace}-${account}`;
  await api.create(BINDINGS, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "jobset-metrics-reader" },
    subjects: [{ kind: "ServiceAccount", name: account, namespace }],
  });
  try {
    const user = `system:serviceaccount:${namespace}:${account}`;
    const spec = { user, nonResourceAttributes: { path: "/metrics", verb: "get" } };
    await cluster.eventually("the binding to be in force", async () => {
      const review = await api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", { spec });
      return at(review, "status", "allowed") === true;
    });
    await body();
  } finally {
    await api.delete(`${BINDINGS}/${name}`);
  }
}
