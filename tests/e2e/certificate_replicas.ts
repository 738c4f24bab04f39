/** What each replica runs to keep the webhook certificates, in this process, as a user that may do nothing else. */
import type { JsonObject } from "../../src/base/json.ts";
import { systemClock } from "../../src/base/clock.ts";
import { createLogger } from "../../src/base/logger.ts";
import { systemRandom } from "../../src/base/random.ts";
import { InternalCertificates } from "../../src/certs/internal_certificates.ts";
import { loadClusterAccess } from "../../src/client/cluster_access.ts";
import { createKubeClient } from "../../src/client/kube_client.ts";
import type { ControlPlane } from "../../scripts/control_plane.ts";
import type { Api } from "../../scripts/control_plane/api.ts";

export const USER = "certificates";
export const NAMESPACE = "jobset-system";
export const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
export const SECRET = `${SECRETS}/jobset-webhook-server-cert`;
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
export const CONFIGURATIONS = [
  `${ADMISSION}/mutatingwebhookconfigurations/jobset-mutating-webhook-configuration`,
  `${ADMISSION}/validatingwebhookconfigurations/jobset-validating-webhook-configuration`,
] as const;

/** The webhooks of `configurationBody` that call us. */
export const BUNDLED: readonly string[] = ["service.example.com", "url.example.com"];

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ROLES = `${RBAC}/namespaces/${NAMESPACE}/roles`;

/** One of our configurations as a manifest has it, for objects that nobody makes: by Service, by URL, and one of others. */
export function configurationBody(path: string): JsonObject {
  const rules = [{ apiGroups: ["example.com"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["nothings"] }];
  const common = { rules, sideEffects: "None", admissionReviewVersions: ["v1"] };
  const service = (name: string) => ({ service: { namespace: NAMESPACE, name, path: "/x" } });
  return {
    metadata: { name: path.slice(path.lastIndexOf("/") + 1) },
    webhooks: [
      { ...common, name: "service.example.com", clientConfig: service("jobset-webhook-service") },
      { ...common, name: "other.example.com", clientConfig: service("other") },
      { ...common, name: "url.example.com", clientConfig: { url: "https://127.0.0.1:9443/x" } },
    ],
  };
}

/** Exactly what the product's manifests grant for certificates. */
export async function grantAll(api: Api): Promise<void> {
  await api.create("/api/v1/namespaces", { metadata: { name: NAMESPACE } });
  await api.create(ROLES, { metadata: { name: "certificates" }, rules: secretRules(true) });
  await api.create(`${RBAC}/clusterroles`, {
    metadata: { name: "certificates" },
    rules: [
      ["mutatingwebhookconfigurations", "jobset-mutating-webhook-configuration"],
      ["validatingwebhookconfigurations", "jobset-validating-webhook-configuration"],
    ].map(([resource, name]) => ({
      apiGroups: ["admissionregistration.k8s.io"],
      resources: [resource],
      resourceNames: [name],
      verbs: ["list", "watch", "patch"],
    })),
  });
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: USER }];
  const roleRef = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: "certificates" });
  await api.create(`${RBAC}/namespaces/${NAMESPACE}/rolebindings`, {
    metadata: { name: "certificates" },
    subjects,
    roleRef: roleRef("Role"),
  });
  await api.create(`${RBAC}/clusterrolebindings`, {
    metadata: { name: "certificates" },
    subjects,
    roleRef: roleRef("ClusterRole"),
  });
}

/** Takes away the right to create or change the Secret, or gives it back. */
export async function allowWriting(api: Api, isAllowed: boolean): Promise<void> {
  await api.patch(`${ROLES}/certificates`, { rules: secretRules(isAllowed) });
}

function secretRules(mayWrite: boolean): readonly JsonObject[] {
  const secrets = { apiGroups: [""], resources: ["secrets"] };
  const verbs = ["list", "watch", ...(mayWrite ? ["update"] : [])];
  return [
    { ...secrets, resourceNames: ["jobset-webhook-server-cert"], verbs },
    ...(mayWrite ? [{ ...secrets, verbs: ["create"] }] : []),
  ];
}

export class Replica {
  readonly certificates: InternalCertificates;
  /** What it logged. */
  readonly lines: readonly string[];
  readonly #stop: () => Promise<void>;

  constructor(certificates: InternalCertificates, lines: readonly string[], stop: () => Promise<void>) {
    this.certificates = certificates;
    this.lines = lines;
    this.#stop = stop;
  }

  /** With a client of its own. */
  static async start(controlPlane: ControlPlane): Promise<Replica> {
    const lines: string[] = [];
    const clock = systemClock();
    const log = createLogger({ clock, verbosity: 2, write: (line) => lines.push(line) });
    const access = await loadClusterAccess({ kubeconfig: controlPlane.kubeconfigOf(USER), env: {}, clock, log });
    const client = createKubeClient({ access, env: {}, qps: 500, burst: 500, userAgent: "jobset/test", clock });
    const certificates = new InternalCertificates({
      client,
      clock,
      random: systemRandom(),
      log,
      namespace: NAMESPACE,
      serviceName: "jobset-webhook-service",
      secretName: "jobset-webhook-server-cert",
    });
    const ended = new AbortController();
    const running = certificates.run(ended.signal);
    const failed = running.catch((error: unknown) => void lines.push(`ended: ${error}\n`));
    return new Replica(certificates, lines, async () => {
      ended.abort();
      await failed;
      client.close();
    });
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}
