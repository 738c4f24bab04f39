import { isAbsolute, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { asArray, asObject, asString } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import { ClusterAccessError } from "./cluster_access_error.ts";
import { type Credentials, type CredentialSource, fixedCredentials, RereadCredentials } from "./credentials.ts";
import type { Kubeconfig, KubeconfigEntry } from "./kubeconfig.ts";
import { checkCertificates, checkKeyPair } from "./pem.ts";
import { pluginCredentials } from "./plugin_credentials.ts";
import { readText } from "./read_text.ts";

export interface ContextAccessOptions {
  /** The context to use instead of the current one. */
  readonly context?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** The access that a context of a kubeconfig gives. Nothing is read from other files before the credentials are asked for. */
export async function accessFromKubeconfig(config: Kubeconfig, options: ContextAccessOptions): Promise<ClusterAccess> {
  const context = findContext(config, options.context);
  const cluster = findEntry(config, context, { map: "clusters", field: "cluster" });
  const user = findEntry(config, context, { map: "users", field: "user" });
  if (cluster === undefined) throw problem(context, "context", "it names no cluster");
  return {
    server: readServer(cluster),
    namespace: textField(context, "context", "namespace"),
    proxyUrl: textField(cluster, "cluster", "proxy-url"),
    tlsServerName: textField(cluster, "cluster", "tls-server-name"),
    insecureSkipTlsVerify: cluster.body["insecure-skip-tls-verify"] === true,
    credentials: await credentialsOf(cluster, user, options),
    source: `context "${context.name}" of ${config.source}`,
  };
}

function findContext(config: Kubeconfig, wanted: string | undefined): KubeconfigEntry {
  const has = config.contexts.size === 0 ? "it has no contexts" : `it has ${someNames([...config.contexts.keys()])}`;
  const name = wanted || config.currentContext;
  if (name === undefined) {
    throw new ClusterAccessError(
      `read kubeconfig "${config.source}": no current-context is set; give --context (${has})`,
    );
  }
  const context = config.contexts.get(name);
  if (context === undefined) {
    throw new ClusterAccessError(`read kubeconfig "${config.source}": there is no context "${name}"; ${has}`);
  }
  return context;
}

function someNames(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => `"${name}"`).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

function findEntry(
  config: Kubeconfig,
  context: KubeconfigEntry,
  at: { map: "clusters" | "users"; field: "cluster" | "user" },
): KubeconfigEntry | undefined {
  const name = textField(context, "context", at.field);
  if (name === undefined) return undefined;
  const entry = config[at.map].get(name);
  if (entry === undefined) throw problem(context, "context", `it names ${at.field} "${name}", which is not there`);
  return entry;
}

function readServer(cluster: KubeconfigEntry): string {
  const server = textField(cluster, "cluster", "server");
  if (server === undefined) throw problem(cluster, "cluster", "it has no server");
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw problem(cluster, "cluster", `its server "${server}" is no URL that begins with https:// or http://`);
  }
  return server.replace(/\/+$/, "");
}

async function credentialsOf(
  cluster: KubeconfigEntry,
  user: KubeconfigEntry | undefined,
  { clock, log }: ContextAccessOptions,
): Promise<CredentialSource> {
  const read = () => readCredentials(cluster, user);
  if (user !== undefined && (user.body["exec"] || user.body["auth-provider"])) {
    const plugin = await pluginCredentials(cluster, user, clock);
    const readBoth = async (why: "due" | "refused") => plugin.apply(await read(), why);
    return new RereadCredentials({ read: readBoth, everyMs: 10_000, renewEveryMs: 10_000, clock, log });
  }
  const bodies = [cluster.body, user?.body ?? {}];
  const hasFiles = bodies.some((body) => FILE_FIELDS.some((field) => body[field]));
  if (!hasFiles) return fixedCredentials(await read());
  return new RereadCredentials({ read, everyMs: 60_000, renewEveryMs: 1_000, clock, log });
}

const FILE_FIELDS = ["certificate-authority", "client-certificate", "client-key", "tokenFile"] as const;

async function readCredentials(cluster: KubeconfigEntry, user: KubeconfigEntry | undefined): Promise<Credentials> {
  const ca = await readMaterial(cluster, "cluster", "certificate-authority");
  if (ca !== undefined && cluster.body["insecure-skip-tls-verify"] === true) {
    throw problem(cluster, "cluster", "insecure-skip-tls-verify and a certificate authority exclude each other");
  }
  if (ca !== undefined) checkCertificates(ca.text, ca.what);
  const none = { headers: {}, ca: ca?.text, cert: undefined, key: undefined };
  if (user === undefined) return none;
  const cert = await readMaterial(user, "user", "client-certificate");
  const key = await readMaterial(user, "user", "client-key");
  if (cert !== undefined && key !== undefined) {
    checkKeyPair({ cert: cert.text, certWhat: cert.what, key: key.text, keyWhat: key.what });
  } else if (cert !== undefined || key !== undefined) {
    throw problem(
      user,
      "user",
      cert === undefined ? "client-key without client-certificate" : "client-certificate without client-key",
    );
  }
  return {
    ...none,
    cert: cert?.text,
    key: key?.text,
    headers: { ...await authorization(user), ...impersonation(user) },
  };
}

/** A token file wins over a token, a token over a password, as in client-go. */
async function authorization(user: KubeconfigEntry): Promise<Record<string, string>> {
  const tokenFile = textField(user, "user", "tokenFile");
  const token = tokenFile === undefined
    ? textField(user, "user", "token")
    : (await readText(resolve(user, tokenFile), `tokenFile of ${describe(user, "user")}`)).trim();
  if (token) return { Authorization: `Bearer ${token}` };
  const username = textField(user, "user", "username");
  if (username === undefined) return {};
  const pair = `${username}:${textField(user, "user", "password") ?? ""}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

function impersonation(user: KubeconfigEntry): Record<string, string> {
  const headers: Record<string, string> = {};
  const name = textField(user, "user", "as");
  const uid = textField(user, "user", "as-uid");
  const groups = asArray(user.body["as-groups"]).map(asString);
  if (name !== undefined) headers["Impersonate-User"] = name;
  if (uid !== undefined) headers["Impersonate-Uid"] = uid;
  if (groups.length > 1 || asObject(user.body["as-user-extra"]) !== undefined) {
    throw problem(user, "user", "as-user-extra and more than one of as-groups are not supported");
  }
  if (groups[0] !== undefined) headers["Impersonate-Group"] = groups[0];
  return headers;
}

/** `<field>-data` (base64) or the file that `<field>` names; the data wins, as in client-go. */
async function readMaterial(
  entry: KubeconfigEntry,
  kind: string,
  field: string,
): Promise<{ readonly text: string; readonly what: string } | undefined> {
  const data = textField(entry, kind, `${field}-data`);
  if (data !== undefined) {
    const what = `${field}-data of ${describe(entry, kind)}`;
    const compact = data.replace(/\s+/g, "");
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) throw new ClusterAccessError(`read ${what}: it is not base64`);
    return { text: Buffer.from(compact, "base64").toString("utf8"), what };
  }
  const path = textField(entry, kind, field);
  if (path === undefined) return undefined;
  const what = `${field} of ${describe(entry, kind)}`;
  const text = await readText(resolve(entry, path), what);
  return { text, what: `${what} "${path}"` };
}

function resolve(entry: KubeconfigEntry, path: string): string {
  return isAbsolute(path) ? path : join(entry.folder, path);
}

function textField(entry: KubeconfigEntry, kind: string, field: string): string | undefined {
  const value = entry.body[field];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw problem(entry, kind, `its "${field}" must be a string; put it in quotes`);
  return value;
}

function describe(entry: KubeconfigEntry, kind: string): string {
  return `${kind} "${entry.name}" in "${entry.file}"`;
}

function problem(entry: KubeconfigEntry, kind: string, words: string): ClusterAccessError {
  return new ClusterAccessError(`read ${describe(entry, kind)}: ${words}`);
}
