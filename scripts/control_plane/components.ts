/** The command lines of the four components, and the files that they read. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority, createLeaf, createSigningKey } from "./certificates.ts";
import { kubeconfigText } from "./kubeconfig.ts";

/** A user of the token file. */
export interface TokenUser {
  readonly name: string;
  readonly token: string;
  readonly groups: readonly string[];
}

export interface Layout {
  readonly dir: string;
  readonly etcdPort: number;
  readonly peerPort: number;
  readonly apiPort: number;
}

export interface Identity {
  readonly caPem: string;
  readonly caKeyPem: string;
  readonly users: ReadonlyMap<string, TokenUser>;
}

export interface AuditOptions {
  /** Every request of these users is written to the audit log, with its metadata. */
  readonly users: readonly string[];
}

const ADMIN = "admin";
const MANAGER = "system:kube-controller-manager";
const SCHEDULER = "system:kube-scheduler";

export const SYSTEM_USERS = { admin: ADMIN, manager: MANAGER, scheduler: SCHEDULER } as const;

/** Writes certificates, keys, tokens, kubeconfigs and the audit policy; says who can log in. */
export function writeFiles(layout: Layout, extraUsers: readonly TokenUser[], audit: AuditOptions): Identity {
  const write = (name: string, text: string) => writeFileSync(join(layout.dir, name), text, { mode: 0o600 });
  const authority = createAuthority("jobset-lite test authority");
  const server = createLeaf(authority, {
    commonName: "kube-apiserver",
    dnsNames: ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
    ipAddresses: ["127.0.0.1", "10.96.0.1"],
  });
  const signing = createSigningKey();
  write("ca.crt", authority.certPem);
  write("ca.key", authority.keyPem);
  write("apiserver.crt", server.certPem);
  write("apiserver.key", server.keyPem);
  write("sa.key", signing.privatePem);
  write("sa.pub", signing.publicPem);
  write("audit.yaml", JSON.stringify(auditPolicy(audit)));

  const users = new Map<string, TokenUser>();
  for (const name of Object.values(SYSTEM_USERS)) {
    users.set(name, { name, token: randomToken(), groups: name === ADMIN ? ["system:masters"] : [] });
  }
  for (const user of extraUsers) users.set(user.name, user);
  write("tokens.csv", [...users.values()].map(tokenLine).join(""));
  const url = apiUrl(layout);
  for (const user of users.values()) {
    const text = kubeconfigText({ url, caPem: authority.certPem, user: user.name, token: user.token });
    write(kubeconfigName(user.name), text);
  }
  return { caPem: authority.certPem, caKeyPem: authority.keyPem, users };
}

export function apiUrl(layout: Layout): string {
  return `https://127.0.0.1:${layout.apiPort}`;
}

export function etcdUrl(layout: Layout): string {
  return `http://127.0.0.1:${layout.etcdPort}`;
}

export function kubeconfigName(user: string): string {
  return `${user.replaceAll(":", "-")}.kubeconfig`;
}

export function etcdDataDir(layout: Layout): string {
  return join(layout.dir, "etcd");
}

export function auditLogFile(layout: Layout): string {
  return join(layout.dir, "audit.log");
}

export function randomToken(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

export function etcdFlags(layout: Layout): readonly string[] {
  const peerUrl = `http://127.0.0.1:${layout.peerPort}`;
  return [
    `--data-dir=${etcdDataDir(layout)}`,
    `--listen-client-urls=${etcdUrl(layout)}`,
    `--advertise-client-urls=${etcdUrl(layout)}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    "--unsafe-no-fsync",
    "--quota-backend-bytes=4294967296",
    "--log-level=warn",
  ];
}

export function apiServerFlags(layout: Layout, featureGates: string): readonly string[] {
  const file = (name: string) => join(layout.dir, name);
  return [
    `--etcd-servers=${etcdUrl(layout)}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${layout.apiPort}`,
    // Loopback is refused as an advertised address, and nothing here uses it.
    "--advertise-address=192.0.2.1",
    "--endpoint-reconciler-type=none",
    "--service-cluster-ip-range=10.96.0.0/12",
    `--tls-cert-file=${file("apiserver.crt")}`,
    `--tls-private-key-file=${file("apiserver.key")}`,
    `--client-ca-file=${file("ca.crt")}`,
    `--token-auth-file=${file("tokens.csv")}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${file("sa.pub")}`,
    `--service-account-signing-key-file=${file("sa.key")}`,
    "--kubelet-preferred-address-types=InternalIP",
    `--audit-policy-file=${file("audit.yaml")}`,
    `--audit-log-path=${auditLogFile(layout)}`,
    // In one file: benches count its lines.
    "--audit-log-maxsize=10000",
    "--shutdown-delay-duration=0s",
    "--profiling=false",
    ...gateFlags(featureGates),
  ];
}

export function controllerManagerFlags(
  layout: Layout,
  featureGates: string,
  controllers: readonly string[],
): readonly string[] {
  return [
    ...sharedFlags(layout, MANAGER),
    `--controllers=${controllers.join(",")}`,
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${join(layout.dir, "sa.key")}`,
    `--root-ca-file=${join(layout.dir, "ca.crt")}`,
    // Nodes here have no leases: their kubelet is ours, and the Nodes stay as it says.
    "--node-monitor-grace-period=24h",
    "--kube-api-qps=1000",
    "--kube-api-burst=2000",
    "--concurrent-gc-syncs=50",
    ...gateFlags(featureGates),
  ];
}

export function schedulerFlags(layout: Layout, featureGates: string): readonly string[] {
  return [
    ...sharedFlags(layout, SCHEDULER),
    "--kube-api-qps=1000",
    "--kube-api-burst=2000",
    ...gateFlags(featureGates),
  ];
}

function sharedFlags(layout: Layout, user: string): readonly string[] {
  const kubeconfig = join(layout.dir, kubeconfigName(user));
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    "--leader-elect=false",
    "--secure-port=0",
    "--profiling=false",
  ];
}

function gateFlags(featureGates: string): readonly string[] {
  return featureGates === "" ? [] : [`--feature-gates=${featureGates}`];
}

function tokenLine(user: TokenUser): string {
  const groups = user.groups.length === 0 ? "" : `,"${user.groups.join(",")}"`;
  return `${user.token},${user.name},${user.name}${groups}\n`;
}

function auditPolicy(audit: AuditOptions): unknown {
  const chosen = audit.users.length === 0
    ? []
    : [{ level: "Metadata", users: audit.users, omitStages: ["RequestReceived"] }];
  return { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [...chosen, { level: "None" }] };
}
