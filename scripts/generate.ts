/**
 * Writes the generated files. Run by `npm run generate`.
 *
 *   generate           crds/ from src/api/crd and the committed OpenAPI definitions; needs no server
 *   generate --fetch   the definitions first, from a control plane of the pinned Kubernetes minor: the one that the file
 *                      named by JOBSET_E2E describes
 */
import { asObject, asString, at } from "../src/base/json.ts";
import { generateCrdYaml } from "../src/api/crd/generate_crd_yaml.ts";
import { DEFINITIONS_FILE, fetchDefinitions, type Server } from "./fetch_definitions.ts";

const CRD_FILE = new URL("../crds/jobset.x-k8s.io_jobsets.yaml", import.meta.url);

if (import.meta.main) {
  if (process.argv.includes("--fetch")) await refresh();
  const text = generateCrdYaml(asObject(at(await Bun.file(DEFINITIONS_FILE).json(), "definitions")) ?? {});
  await Bun.write(CRD_FILE, text);
  console.log(`generate: crds/jobset.x-k8s.io_jobsets.yaml: ${text.length} characters`);
}

async function refresh(): Promise<void> {
  const { kubernetesVersion, definitions } = await fetchDefinitions(await describedServer());
  await Bun.write(DEFINITIONS_FILE, JSON.stringify({ kubernetesVersion, definitions }, null, 2) + "\n");
  console.log(`generate: ${Object.keys(definitions).length} definitions of Kubernetes ${kubernetesVersion}`);
}

async function describedServer(): Promise<Server> {
  const file = process.env["JOBSET_E2E"];
  if (file === undefined) throw new Error("generate: --fetch needs JOBSET_E2E, a file that describes a running server");
  const server: unknown = await Bun.file(file).json();
  const [url, caFile, adminToken] = ["url", "caFile", "adminToken"].map((field) => asString(at(server, field)));
  if (url === undefined || caFile === undefined || adminToken === undefined) {
    throw new Error(`generate: "${file}" lacks url, caFile or adminToken`);
  }
  return { url, caFile, adminToken };
}
