import { join } from "node:path";

const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";
const DEFAULT_NAMESPACE = "jobset-system";

/**
 * The namespace that holds our Lease and Secret (spec 6.1): POD_NAMESPACE, else the service account token's, else
 * `jobset-system`. `readFile` gives undefined where there is no such file.
 */
export async function ownNamespace(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => Promise<string | undefined>,
): Promise<string> {
  const told = env["POD_NAMESPACE"]?.trim();
  if (told) return told;
  const folder = env["JOBSET_SERVICE_ACCOUNT_DIR"] || SERVICE_ACCOUNT_DIR;
  return (await readFile(join(folder, "namespace")))?.trim() || DEFAULT_NAMESPACE;
}
