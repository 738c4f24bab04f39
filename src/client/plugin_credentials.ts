/**
 * Exec plugins and OIDC by way of @kubernetes/client-node, which is loaded only here and only when needed: the import
 * costs 20 MB of memory. Its HTTP layer is not used.
 */

import { isAbsolute, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { asArray, asObject, asString, at, type JsonObject } from "../base/json.ts";
import { ClusterAccessError, fileErrorWords } from "./cluster_access_error.ts";
import type { Credentials } from "./credentials.ts";
import type { KubeconfigEntry } from "./kubeconfig.ts";
import { checkKeyPair } from "./pem.ts";

export interface PluginCredentials {
  /** Lays what the plugin says over `base`. "refused" forgets what the plugin said before. */
  apply(base: Credentials, why: "due" | "refused"): Promise<Credentials>;
}

/** The credentials of a user with `exec` or `auth-provider`. */
export async function pluginCredentials(
  cluster: KubeconfigEntry,
  user: KubeconfigEntry,
  clock: Clock,
): Promise<PluginCredentials> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const exec = asObject(user.body["exec"]);
  const what = exec === undefined
    ? `use auth-provider "${asString(at(user.body, "auth-provider", "name")) ?? ""}" of user "${user.name}"`
    : `run exec plugin "${asString(exec["command"]) ?? ""}" of user "${user.name}"`;
  const authProvider = user.body["auth-provider"];
  const load = () => {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: "cluster", server: "https://localhost", skipTLSVerify: true }],
      users: [{
        name: user.name,
        ...(exec === undefined ? {} : { exec: execOf(exec, cluster, user) }),
        ...(authProvider === undefined ? {} : { authProvider: structuredClone(authProvider) }),
      }],
      contexts: [{ name: "context", cluster: "cluster", user: user.name }],
      currentContext: "context",
    });
    return config;
  };
  let config = load();
  return {
    async apply(base, why) {
      if (why === "refused") config = load();
      const options: PluginOptions = { headers: {} };
      try {
        await withinTime(config.applyToHTTPSOptions(options), clock);
      } catch (cause) {
        const hint = asString(exec?.["installHint"]);
        throw new ClusterAccessError(`${what}: ${wordsOf(cause)}${hint ? ` (${oneLine(hint)})` : ""}`, { cause });
      }
      const authorization = options.headers["Authorization"];
      if (authorization === undefined && options.cert === undefined) {
        throw new ClusterAccessError(`${what}: it returned neither a token nor a certificate`);
      }
      if (options.cert !== undefined && options.key !== undefined) {
        const certWhat = `the certificate of the exec plugin of user "${user.name}"`;
        checkKeyPair({
          cert: options.cert,
          key: options.key,
          certWhat,
          keyWhat: `the key of the exec plugin of user "${user.name}"`,
        });
      }
      return {
        ca: base.ca,
        cert: options.cert ?? base.cert,
        key: options.key ?? base.key,
        headers: authorization === undefined ? base.headers : { ...base.headers, Authorization: authorization },
      };
    },
  };
}

/** A plugin may wait for a login that nobody can give here. */
const PLUGIN_TIMEOUT_MS = 60_000;

function withinTime(running: Promise<void>, clock: Clock): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const words = `no answer within ${PLUGIN_TIMEOUT_MS / 1000} s`;
  const timer = clock.after(PLUGIN_TIMEOUT_MS, () => reject(new Error(words)));
  return Promise.race([running, promise]).finally(() => timer.cancel());
}

/** The part of the options that client-node fills which is read here. */
interface PluginOptions {
  headers: Record<string, string>;
  cert?: string;
  key?: string;
}

/** The plugin as client-node runs it, with what client-go adds: a path relative to the file, and KUBERNETES_EXEC_INFO. */
function execOf(exec: JsonObject, cluster: KubeconfigEntry, user: KubeconfigEntry): JsonObject {
  const command = asString(exec["command"]);
  if (!command) throw new ClusterAccessError(`read user "${user.name}" in "${user.file}": its exec has no command`);
  const isPath = command.includes("/") && !isAbsolute(command);
  const info = {
    apiVersion: asString(exec["apiVersion"]) ?? "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false, ...(exec["provideClusterInfo"] === true ? { cluster: clusterInfo(cluster) } : {}) },
  };
  return {
    ...exec,
    command: isPath ? join(user.folder, command) : command,
    args: asArray(exec["args"]),
    env: [...asArray(exec["env"]), { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) }],
  };
}

function clusterInfo(cluster: KubeconfigEntry): JsonObject {
  const fields = ["server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url"];
  const extension = asArray(cluster.body["extensions"])
    .find((entry) => at(entry, "name") === "client.authentication.k8s.io/exec");
  return {
    ...Object.fromEntries(fields.map((field) => [field, cluster.body[field]])),
    config: at(extension, "extension"),
  };
}

function wordsOf(error: unknown): string {
  const words = fileErrorWords(error);
  return oneLine(words === "no such file" ? "no such program; install it or put it into PATH" : words) ||
    "it failed without a word";
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, 300);
}
