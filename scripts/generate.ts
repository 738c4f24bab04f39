/**
 * Writes the generated files. Run by `npm run generate`.
 *
 *   generate           crds/ from src/api/crd and the committed OpenAPI definitions, and charts/ from crds/ and manifests/;
 *                      needs no server
 *   generate --fetch   the definitions and the table of zero values first (src/admission/zero_values.ts), from a control plane
 *                      of the pinned Kubernetes minor that it starts
 */
import { asObject, at } from "../src/base/json.ts";
import { thisVersion } from "../src/base/version.ts";
import { generateCrdYaml } from "../src/api/crd/generate_crd_yaml.ts";
import { startControlPlane } from "./control_plane.ts";
import { DEFINITIONS_FILE, fetchDefinitions } from "./fetch_definitions.ts";
import { fetchZeroTable, ZERO_VALUES_FILE, zeroTableText } from "./zero_values/zero_table.ts";

const CHART = new URL("../charts/jobset/", import.meta.url);
const CRD_FILE = new URL("../crds/jobset.x-k8s.io_jobsets.yaml", import.meta.url);

if (import.meta.main) {
  if (process.argv.includes("--fetch")) await refreshDefinitions();
  const text = generateCrdYaml(asObject(at(await Bun.file(DEFINITIONS_FILE).json(), "definitions")) ?? {});
  await Bun.write(CRD_FILE, text);
  console.log(`generate: crds/jobset.x-k8s.io_jobsets.yaml: ${text.length} characters`);
  // Imported only now: it embeds the CRD that was just written.
  const { chartFiles } = await import("./chart.ts");
  for (const [path, content] of Object.entries(chartFiles(thisVersion().version))) {
    await Bun.write(new URL(path, CHART), content);
    console.log(`generate: charts/jobset/${path}: ${content.length} characters`);
  }
}

async function refreshDefinitions(): Promise<void> {
  const report = (line: string) => console.log(`generate: ${line}`);
  const controlPlane = await startControlPlane({ controllerManager: false, scheduler: false, report });
  try {
    const fetched = await fetchDefinitions(controlPlane.api);
    await Bun.write(DEFINITIONS_FILE, JSON.stringify(fetched, null, 2) + "\n");
    report(`${Object.keys(fetched.definitions).length} definitions of Kubernetes ${fetched.kubernetesVersion}`);
    const table = await fetchZeroTable(controlPlane.api, fetched.definitions);
    await Bun.write(ZERO_VALUES_FILE, zeroTableText(table, fetched.kubernetesVersion));
    report(`zero values of ${Object.keys(table).length} types`);
  } finally {
    await controlPlane.stop();
  }
}
