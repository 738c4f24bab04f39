import { delimiter, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ClusterAccessError } from "./cluster_access_error.ts";
import { accessFromKubeconfig } from "./context_access.ts";
import type { CredentialSource } from "./credentials.ts";
import { accessFromServiceAccount } from "./in_cluster.ts";
import { readKubeconfig, readKubeconfigFiles } from "./kubeconfig.ts";
import { checkCertificates } from "./pem.ts";

/** Where the API server is and how to log in. */
export interface ClusterAccess {
  /** The base URL, without a slash at its end. */
  readonly server: string;
  /** The namespace of the context, or the one that a Pod's token belongs to. */
  readonly namespace: string | undefined;
  /** The kubeconfig's proxy-url; it wins over the environment's. */
  readonly proxyUrl: string | undefined;
  /** The name that the server's certificate must carry, where that is not the URL's host. */
  readonly tlsServerName: string | undefined;
  readonly insecureSkipTlsVerify: boolean;
  readonly credentials: CredentialSource;
  /** Where all this was read, for messages. */
  readonly source: string;
}

export interface ClusterAccessOptions {
  /** `--kubeconfig`. */
  readonly kubeconfig?: string | undefined;
  /** `--context`. */
  readonly context?: string | undefined;
  /** The environment: KUBECONFIG, KUBERNETES_SERVICE_HOST and _PORT, JOBSET_SERVICE_ACCOUNT_DIR, HOME. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Finds the cluster (spec 6.1): `--kubeconfig`, then KUBECONFIG, then the Pod's service account, then ~/.kube/config.
 * With `--context` the service account is passed over: only a file has contexts. Throws a ClusterAccessError.
 */
export async function loadClusterAccess(options: ClusterAccessOptions): Promise<ClusterAccess> {
  const access = await findAccess(options);
  await access.credentials.current();
  return access;
}

async function findAccess(options: ClusterAccessOptions): Promise<ClusterAccess> {
  const { kubeconfig, context, env } = options;
  if (kubeconfig) return await accessFromKubeconfig(await readKubeconfig(kubeconfig), options);
  if (env["KUBECONFIG"]) {
    const merged = await readKubeconfigFiles(env["KUBECONFIG"].split(delimiter).filter((path) => path !== ""));
    if (merged !== undefined) return await accessFromKubeconfig(merged, options);
    throw new ClusterAccessError(`read KUBECONFIG "${env["KUBECONFIG"]}": no such file`);
  }
  const inCluster = context ? undefined : await accessFromServiceAccount({ ...options, checkCa: checkCertificates });
  if (inCluster !== undefined) return inCluster;
  const homeConfig = env["HOME"] ? join(env["HOME"], ".kube", "config") : undefined;
  const found = homeConfig === undefined ? undefined : await readKubeconfigFiles([homeConfig]);
  if (found !== undefined) return await accessFromKubeconfig(found, options);
  throw new ClusterAccessError(
    `find the cluster: no --kubeconfig, KUBECONFIG is not set, this is no Pod with a service account token, ` +
      `and ${homeConfig ?? "~/.kube/config"} does not exist; give --kubeconfig FILE`,
  );
}
