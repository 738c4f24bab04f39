import { asObject, asString, at } from "../src/base/json.ts";
import type { Definitions } from "../src/api/crd/embed_schema.ts";
import { EMBEDDED_DEFINITIONS } from "../src/api/crd/jobset_crd.ts";
import { reduceDefinitions } from "../src/api/crd/reduce_definitions.ts";
import type { Api } from "./control_plane/api.ts";

/** Where the definitions of the pinned Kubernetes minor are kept. */
export const DEFINITIONS_FILE = new URL("../src/api/crd/kubernetes_1_36.json", import.meta.url);

/** The definitions that the CRD embeds, and the version of the API server that published them. */
export interface FetchedDefinitions {
  readonly kubernetesVersion: string;
  readonly definitions: Definitions;
}

/** Reads the OpenAPI v3 documents of an API server and reduces them to what the CRD needs. */
export async function fetchDefinitions(api: Api): Promise<FetchedDefinitions> {
  const kubernetesVersion = asString((await api.get("/version"))["gitVersion"]);
  if (kubernetesVersion === undefined) throw new Error(`fetch definitions: "${api.access.url}" names no gitVersion`);
  const all: Record<string, unknown> = {};
  for (const path of ["/openapi/v3/api/v1", "/openapi/v3/apis/batch/v1"]) {
    Object.assign(all, asObject(at(await api.get(path), "components", "schemas")));
  }
  return { kubernetesVersion, definitions: reduceDefinitions(all, Object.values(EMBEDDED_DEFINITIONS)) };
}
