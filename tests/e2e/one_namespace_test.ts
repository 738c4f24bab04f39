/** `--namespace` with a Role in that namespace and nothing beyond it. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { asArray, asObject, asString, at } from "../../src/base/json.ts";
import { kubeconfigText } from "../../scripts/control_plane/kubeconfig.ts";
import { Cluster, nameOf, restartsOf } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { fail } from "./job_status.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { errorLines } from "./behind_proxy.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const RBAC = new URL("../../manifests/rbac.yaml", import.meta.url).pathname;
const USER = "in-one-namespace";

/** The rules of the ClusterRole, as a Role of this namespace for a service account of its own; a kubeconfig of that. */
async function grantRole(cluster: Cluster): Promise<string> {
  const documents = parseAllDocuments(readFileSync(RBAC, "utf8")).map((document) => asObject(document.toJS()) ?? {});
  const rules = asArray(documents.find(({ kind }) => kind === "ClusterRole")?.["rules"]);
  const { api, namespace, environment } = cluster;
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const apiVersion = "rbac.authorization.k8s.io/v1";
  await api.create(accounts, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: USER } });
  await api.create(`${rbac}/roles`, { apiVersion, kind: "Role", metadata: { name: USER }, rules });
  await api.create(`${rbac}/rolebindings`, {
    apiVersion,
    kind: "RoleBinding",
    metadata: { name: USER },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: USER },
    subjects: [{ kind: "ServiceAccount", name: USER, namespace }],
  });
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  const token = asString(at(await api.create(`${accounts}/${USER}/token`, request), "status", "token")) ?? "";
  const text = kubeconfigText({ url: environment.description.url, caPem: api.access.caPem, user: USER, token });
  return environment.writeFile("one-namespace.kubeconfig", text);
}

e2e.test("a Role suffices: JobSets of the namespace run and restart, those of another are untouched", async (cluster) => {
  const { environment } = cluster;
  const other = await Cluster.create(environment);
  const flags = [`--namespace=${cluster.namespace}`];
  const controller = new Controller(environment, await grantRole(cluster), { flags });
  try {
    await controller.start();
    const body = jobSet("js", [byHand("a", { replicas: 2 })], { failurePolicy: { maxRestarts: 1 } });
    await other.create("jobsets", body);
    await cluster.create("jobsets", body);
    await cluster.jobCount("js", 2, 0);
    await fail(cluster, "js-a-1");
    expect((await cluster.jobCount("js", 2, 1)).map(nameOf)).toEqual(["js-a-0", "js-a-1"]);
    expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
    await cluster.event("js", "RestartJobSetFailurePolicyAction");
    expect((await other.jobSet("js"))["status"]).toBeUndefined();
    expect(await other.list("jobs")).toEqual([]);
    expect(await other.list("services")).toEqual([]);
    expect(errorLines(controller)).toEqual([]);
  } finally {
    await controller.dispose();
    await other.remove();
  }
});

e2e.test("without --namespace the same role does not do: the line names both ways out", async (cluster) => {
  const { environment } = cluster;
  const controller = new Controller(environment, await grantRole(cluster), {});
  try {
    await controller.launch();
    await cluster.eventually("the end of it", () => Promise.resolve(!controller.isRunning()));
    const lines = controller.logLines("error: ");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("at the cluster scope");
    expect(lines[0]).toContain("--namespace");
  } finally {
    await controller.dispose();
  }
});
