import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { Api, type ApiAnswer } from "../../scripts/control_plane/api.ts";
import { findBinaries } from "../../scripts/control_plane/binaries.ts";
import { findVersion } from "../../scripts/control_plane/versions.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";

/** The real API server that the contract tests share, as the administrator sees it. */
export interface SharedServer {
  readonly api: Api;
  /** Runs kubectl; its exit code and everything that it printed. */
  kubectl(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }>;
}

export const JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2";
const CRD_FILE = new URL("../../crds/jobset.x-k8s.io_jobsets.yaml", import.meta.url).pathname;
const CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jobsets.jobset.x-k8s.io";

/** The server that the file named by JOBSET_E2E describes; `npm test` starts one and sets it. */
export async function sharedServer(): Promise<SharedServer> {
  const file = process.env["JOBSET_E2E"];
  if (file === undefined) throw new Error("contract tests: JOBSET_E2E names no server: start them with `npm test`");
  const described: unknown = await Bun.file(file).json();
  const read = (field: string): string => {
    const value = asString(at(described, field));
    if (value === undefined) throw new Error(`contract tests: "${file}" has no "${field}"`);
    return value;
  };
  const caPem = await Bun.file(read("caFile")).text();
  const api = new Api({ url: read("url"), caPem, token: read("adminToken") });
  const { kubectl } = await findBinaries(findVersion());
  return { api, kubectl: (...args) => run([kubectl, `--kubeconfig=${read("kubeconfig")}`, ...args]) };
}

async function run(command: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, text: stdout + stderr };
}

/** Installs the CRD and waits until JobSets can be created. Running it again changes nothing. */
export async function installCrd(server: SharedServer): Promise<void> {
  const { code, text } = await server.kubectl("apply", "--server-side", "--force-conflicts", "-f", CRD_FILE);
  if (code !== 0) throw new Error(`install the CRD: ${text}`);
  await waitFor("the CRD to be served", {
    timeoutMs: 30_000,
    check: async () => (await server.api.request("GET", `${JOBSETS}/jobsets`)).code === 200,
    describe: async () => JSON.stringify((await server.api.get(CRD_PATH))["status"]),
  });
}

/** A namespace of one test file: JobSets go in, answers come out. Removed by `remove`. */
export class TestNamespace {
  readonly name = `contract-${crypto.randomUUID().slice(0, 8)}`;
  readonly #api: Api;
  #count = 0;

  constructor(api: Api) {
    this.#api = api;
  }

  async create(): Promise<void> {
    await this.#api.create("/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: this.name },
    });
  }

  /** Gives the order to delete it; without a controller manager it then stays as it is. */
  async remove(): Promise<void> {
    await this.#api.delete(`/api/v1/namespaces/${this.name}`);
  }

  path(name?: string): string {
    return `${JOBSETS}/namespaces/${this.name}/jobsets${name === undefined ? "" : `/${name}`}`;
  }

  /** A JobSet around a spec, under a name of its own. No controller takes it up: what is tested is the API server. */
  jobSet(spec: JsonObject): { readonly name: string; readonly body: JsonObject } {
    const name = `case-${this.#count++}`;
    return {
      name,
      body: {
        apiVersion: "jobset.x-k8s.io/v1alpha2",
        kind: "JobSet",
        metadata: { name, namespace: this.name },
        spec: { managedBy: "example.com/nobody", ...spec },
      },
    };
  }

  /** The answer to creating a JobSet of this spec; every unknown field is an error. */
  post(spec: JsonObject): Promise<ApiAnswer> {
    return this.#api.request("POST", `${this.path()}?fieldValidation=Strict`, this.jobSet(spec).body);
  }

  /** The stored JobSet of this spec, under its name. */
  async store(spec: JsonObject): Promise<{ readonly name: string; readonly stored: JsonObject }> {
    const { name, body } = this.jobSet(spec);
    return { name, stored: await this.#api.create(`${this.path()}?fieldValidation=Strict`, body) };
  }

  /** The answer to a merge patch of a stored JobSet's spec. */
  patch(name: string, spec: JsonObject): Promise<ApiAnswer> {
    return this.#api.request("PATCH", this.path(name), { spec }, "application/merge-patch+json");
  }

  /** Server-side apply of a whole body. */
  apply(body: JsonObject, fieldManager: string): Promise<JsonObject> {
    const name = asString(at(body, "metadata", "name")) ?? "";
    return this.#api.patch(`${this.path(name)}?fieldManager=${fieldManager}&force=true`, body, "apply");
  }
}
