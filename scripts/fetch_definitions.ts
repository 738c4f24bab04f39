import { asObject, asString, at } from "../src/base/json.ts";
import { EMBEDDED_DEFINITIONS } from "../src/api/crd/jobset_crd.ts";
import { reduceDefinitions } from "../src/api/crd/reduce_definitions.ts";

/** Where the OpenAPI documents of the pinned Kubernetes minor are kept, reduced to what the CRD needs. */
export const DEFINITIONS_FILE = new URL("../src/api/crd/kubernetes_1_36.json", import.meta.url);

/** An API server and an administrator's token for it. */
export interface Server {
  readonly url: string;
  readonly caFile: string;
  readonly adminToken: string;
}

/** The definitions that the CRD embeds, as `server` publishes them, under the version that it reports. */
export async function fetchDefinitions(server: Server) {
  const version = asString(at(await get(server, "/version"), "gitVersion"));
  if (version === undefined) throw new Error(`fetch definitions: "${server.url}/version" names no gitVersion`);
  const documents = await Promise.all(
    ["/openapi/v3/api/v1", "/openapi/v3/apis/batch/v1"].map((path) => get(server, path)),
  );
  const all = Object.assign({}, ...documents.map((document) => asObject(at(document, "components", "schemas")) ?? {}));
  return { kubernetesVersion: version, definitions: reduceDefinitions(all, Object.values(EMBEDDED_DEFINITIONS)) };
}

async function get(server: Server, path: string): Promise<unknown> {
  const answer = await fetch(server.url + path, {
    headers: { authorization: `Bearer ${server.adminToken}`, accept: "application/json" },
    tls: { ca: await Bun.file(server.caFile).text() },
  });
  if (!answer.ok) throw new Error(`fetch definitions: GET ${path}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}
