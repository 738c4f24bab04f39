/** The cluster of the loop bench: API server, garbage collector and namespaces; nothing else works on Jobs. */
import { join } from "node:path";
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { API_VERSION } from "../../src/api/keys.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/control_plane.ts";
import { Api } from "../../scripts/control_plane/api.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { AuditLog } from "./audit_log.ts";

/** A service account with the controller's role. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
  /** As the API server names it. */
  readonly user: string;
}

export const CONTROLLER = account("jobset-system", "jobset-controller-manager");
/** Logs in and is authorised exactly as the controller, but is told apart in the audit log. */
export const FLOOR = account("jobset-system", "floor");
/** The administrator: what the bench itself does. */
export const BENCH_USER = "admin";
/** As mighty, and left out of the audit log: a hundred thousand objects would fill it. */
export const FILLER = "filler";

export const JOBSETS = `/apis/${API_VERSION}`;
export const JOBS = "/apis/batch/v1";

const ROOT = new URL("../../", import.meta.url).pathname;
const GONE_TIMEOUT_MS = 120_000;

export interface BenchCluster {
  readonly controlPlane: ControlPlane;
  readonly api: Api;
  readonly audit: AuditLog;
}

export async function startBenchCluster(report: (line: string) => void): Promise<BenchCluster> {
  const controlPlane = await startControlPlane({
    auditUsers: [CONTROLLER.user, FLOOR.user, BENCH_USER],
    users: [{ name: FILLER, groups: ["system:masters"] }],
    apiServerFlags: ["--audit-log-maxsize=10000"],
    scheduler: false,
    controllerManager: {
      controllers: ["garbage-collector-controller", "namespace-controller", "serviceaccount-controller"],
    },
    report,
  });
  const { api } = controlPlane;
  try {
    await controlPlane.mustKubectl(["apply", "--server-side", "-f", join(ROOT, "crds")]);
    await controlPlane.mustKubectl(["apply", "-f", join(ROOT, "manifests/namespace.yaml")]);
    await controlPlane.mustKubectl(["apply", "-f", join(ROOT, "manifests/rbac.yaml")]);
    await addFloorAccount(api);
    await waitFor("the CRD to be served", {
      timeoutMs: 30_000,
      check: async () => (await api.request("GET", `${JOBSETS}/jobsets?limit=1`)).code === 200,
    });
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
  return { controlPlane, api, audit: new AuditLog(join(controlPlane.dir, "audit.log")) };
}

export async function createNamespace(api: Api, name: string): Promise<void> {
  await api.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
}

/** Deletes a JobSet and waits until the garbage collector has taken the last of its Jobs. */
export async function removeJobSet(api: Api, namespace: string, name: string): Promise<void> {
  await api.delete(`${JOBSETS}/namespaces/${namespace}/jobsets/${name}`, {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: "Background",
  });
  await waitFor(`the Jobs of ${namespace} to be gone`, {
    timeoutMs: GONE_TIMEOUT_MS,
    everyMs: 200,
    check: async () => await countJobs(api, namespace) === 0,
  });
}

/** How many Jobs there are, for the price of reading one. */
export async function countJobs(api: Api, namespace: string): Promise<number> {
  const page = await api.get(`${JOBS}/namespaces/${namespace}/jobs?limit=1`);
  const shown = Array.isArray(page["items"]) ? page["items"].length : 0;
  const remaining = at(page, "metadata", "remainingItemCount");
  return shown + (typeof remaining === "number" ? remaining : 0);
}

/** The body of an answer must name what was created. */
export function nameOf(body: JsonObject): string {
  const name = asString(at(body, "metadata", "name"));
  if (name === undefined) throw new Error("read an answer of the API server: it has no metadata.name");
  return name;
}

async function addFloorAccount(api: Api): Promise<void> {
  const { namespace, name } = FLOOR;
  await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace, name },
  });
  await api.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "bench-floor" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "jobset-manager-role" },
    subjects: [{ kind: "ServiceAccount", namespace, name }],
  });
}

function account(namespace: string, name: string): Account {
  return { namespace, name, user: `system:serviceaccount:${namespace}:${name}` };
}
