/** /metrics of an installation (spec 6.4): the address stands in the configuration file alone, and who reads is asked for. */
import { expect } from "bun:test";
import { parse } from "yaml";
import { asString, at } from "../../src/base/json.ts";
import type { Cluster } from "./cluster.ts";
import { startController } from "./controller.ts";
import { configFile } from "./installation.ts";
import { group, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

/** A token of a service account of its own. */
async function login(cluster: Cluster, name: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${cluster.namespace}/serviceaccounts`;
  await cluster.api.create(accounts, { metadata: { name } });
  const answer = await cluster.api.create(`${accounts}/${name}/token`, { spec: { expirationSeconds: 3600 } });
  return asString(at(answer, "status", "token")) ?? "";
}

async function scrape(address: string, token?: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`https://${address}/metrics`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    tls: { rejectUnauthorized: false },
  });
  return { status: response.status, text: await response.text() };
}

e2e.test("an address that only the file names is served: to whoever may read, 403 and 401 to the others (R59)", async (cluster) => {
  const { environment, namespace, api } = cluster;
  const config = await configFile(environment);
  const address = asString(at(parse(await Bun.file(config).text()), "metrics", "bindAddress")) ?? "";
  const controller = await startController(environment, { flags: [`--config=${config}`, `--namespace=${namespace}`] });
  const binding = `${namespace}-reader`;
  try {
    const [reader, stranger] = [await login(cluster, "reader"), await login(cluster, "stranger")];
    await api.create(BINDINGS, {
      metadata: { name: binding },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "jobset-metrics-reader" },
      subjects: [{ kind: "ServiceAccount", name: "reader", namespace }],
    });
    await cluster.create("jobsets", jobSet("js", [group("a", { fate: { "succeed-after": "0s" } })]));
    await cluster.terminal("js", "Completed");
    // Who was refused once is refused for 30 s: the API server must have learnt of the binding before the first question.
    await cluster.eventually("the binding to be in force", async () => {
      const user = `system:serviceaccount:${namespace}:reader`;
      const spec = { user, nonResourceAttributes: { path: "/metrics", verb: "get" } };
      const review = await api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", { spec });
      return at(review, "status", "allowed") === true;
    });
    const { status, text } = await scrape(address, reader);
    expect({ status, text: text.slice(0, 200) }).toMatchObject({ status: 200 });
    const counted = `jobset_completed_total{jobset_name="js",namespace="${namespace}"} 1`;
    expect(text.split("\n")).toContain(counted);
    expect(text).toContain('leader_election_master_status{name="6d4f6a47.jobset.x-k8s.io"} 1');
    expect((await scrape(address, stranger)).status).toBe(403);
    expect((await scrape(address)).status).toBe(401);
    expect((await scrape(address, `${reader}x`)).status).toBe(401);
  } finally {
    await controller.dispose();
    await api.request("DELETE", `${BINDINGS}/${binding}`);
  }
});
