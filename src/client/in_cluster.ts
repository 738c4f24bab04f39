import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import { type Credentials, RereadCredentials } from "./credentials.ts";
import { readText } from "./read_text.ts";

const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface InClusterOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Throws where the CA does not parse; without it only TLS says so. (Parsing one costs 2 MB.) */
  readonly checkCa?: ((pem: string, what: string) => void) | undefined;
}

/** The access of a Pod's service account, or undefined where this is no Pod or it mounts no token. */
export async function accessFromServiceAccount(options: InClusterOptions): Promise<ClusterAccess | undefined> {
  const { env, clock, log, checkCa } = options;
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  const folder = env["JOBSET_SERVICE_ACCOUNT_DIR"] || SERVICE_ACCOUNT_DIR;
  const tokenPath = `${folder}/token`;
  if (!host || !port) return undefined;
  if (await readText(tokenPath, "service account token", "missing is fine") === undefined) return undefined;
  const namespace = await readText(`${folder}/namespace`, "service account namespace", "missing is fine");
  /** The token rotates hourly, the CA when the cluster's does; a Pod without ca.crt trusts the system's CAs, as in client-go. */
  const read = async (): Promise<Credentials> => {
    const token = (await readText(tokenPath, "service account token")).trim();
    const caPath = `${folder}/ca.crt`;
    const ca = await readText(caPath, "service account CA", "missing is fine");
    if (ca !== undefined) checkCa?.(ca, `service account CA "${caPath}"`);
    return { headers: { Authorization: `Bearer ${token}` }, ca, cert: undefined, key: undefined };
  };
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    namespace: namespace?.trim() || undefined,
    proxyUrl: undefined,
    tlsServerName: undefined,
    insecureSkipTlsVerify: false,
    credentials: new RereadCredentials({ read, everyMs: 60_000, renewEveryMs: 1_000, clock, log }),
    source: `service account in ${folder}`,
  };
}
