/** A control plane with Nodes for the install commands: they replace and remove what the other contract tests share. */
import { join } from "node:path";
import { runCommandLine } from "../../src/cli/command_line.ts";
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Api } from "../../scripts/control_plane/api.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/control_plane.ts";
import { type Kubelet, startKubelet } from "../../scripts/kubelet.ts";

export interface CommandAnswer {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export const NAMESPACE = "jobset-system";
export const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/jobset-controller-manager`;
export const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jobsets.jobset.x-k8s.io";
export const MUTATING =
  "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/jobset-mutating-webhook-configuration";

/** A user who may nothing. */
const NOBODY = "nobody";
const DEADLINE_MS = 60_000;

export class InstallServer {
  readonly controlPlane: ControlPlane;
  readonly api: Api;
  readonly #kubelet: Kubelet;
  #files = 0;

  private constructor(controlPlane: ControlPlane, kubelet: Kubelet) {
    this.controlPlane = controlPlane;
    this.api = controlPlane.api;
    this.#kubelet = kubelet;
  }

  static async start(): Promise<InstallServer> {
    const controlPlane = await startControlPlane({ users: [{ name: NOBODY }] });
    const kubelet = await startKubelet({ access: controlPlane.api.access, nodes: ["node-0"] });
    return new InstallServer(controlPlane, kubelet);
  }

  async stop(): Promise<void> {
    await this.#kubelet.stop();
    await this.controlPlane.stop();
  }

  /** Runs `jobset …` as the administrator, as the executable would. */
  jobset(...args: readonly string[]): Promise<CommandAnswer> {
    return runJobset([...args, `--kubeconfig=${this.controlPlane.kubeconfigFile}`]);
  }

  jobsetAsNobody(...args: readonly string[]): Promise<CommandAnswer> {
    return runJobset([...args, `--kubeconfig=${this.controlPlane.kubeconfigOf(NOBODY)}`]);
  }

  /** What `jobset …` printed; throws with its words where it failed. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, out, error } = await this.jobset(...args);
    if (code !== 0) throw new Error(`jobset ${args.join(" ")}: ${error}\n${out}`);
    return out;
  }

  /** A file with what `jobset manifests` prints. */
  async manifest(...flags: readonly string[]): Promise<string> {
    const { code, out, error } = await runJobset(["manifests", ...flags]);
    if (code !== 0) throw new Error(error);
    const file = join(this.controlPlane.dir, `manifest-${this.#files++}.yaml`);
    await Bun.write(file, out);
    return file;
  }

  async find(path: string): Promise<JsonObject | undefined> {
    const { code, body } = await this.api.request("GET", path);
    return code === 200 ? body : undefined;
  }

  async uid(path: string): Promise<string> {
    return asString(at(await this.api.get(path), "metadata", "uid")) ?? "";
  }

  /** Ends every installation, CRD and namespace included, so that the next test has an empty cluster. */
  async empty(): Promise<void> {
    await this.must("uninstall", "--crds", "--yes");
    await this.gone(`/api/v1/namespaces/${NAMESPACE}`);
  }

  gone(path: string): Promise<void> {
    return waitFor(`${path} to be gone`, {
      timeoutMs: DEADLINE_MS,
      check: async () => (await this.api.request("GET", path)).code === 404,
    });
  }

  /** A JobSet with a Job of its own, made without any controller. */
  async createJobSet(): Promise<{ readonly jobSet: string; readonly job: string }> {
    // The garbage collector takes its time with Jobs of a kind whose CRD went.
    const name = `job-set-${crypto.randomUUID().slice(0, 8)}`;
    const jobSets = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets";
    const template = {
      spec: { template: { spec: { containers: [{ name: "main", image: "busybox" }], restartPolicy: "Never" } } },
    };
    const created = await this.api.create(jobSets, {
      apiVersion: "jobset.x-k8s.io/v1alpha2",
      kind: "JobSet",
      metadata: { name },
      spec: { replicatedJobs: [{ name: "a", template }] },
    });
    const owner = {
      apiVersion: created["apiVersion"],
      kind: created["kind"],
      name,
      uid: at(created, "metadata", "uid"),
    };
    const jobs = "/apis/batch/v1/namespaces/default/jobs";
    await this.api.create(jobs, {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: `${name}-a-0`, ownerReferences: [{ ...owner, controller: true }] },
      spec: template.spec,
    });
    return { jobSet: `${jobSets}/${name}`, job: `${jobs}/${name}-a-0` };
  }
}

/** What must not change while the controller is replaced. */
export async function lifeOf(server: InstallServer, paths: readonly string[]): Promise<readonly JsonObject[]> {
  const objects = await Promise.all(paths.map((path) => server.api.get(path)));
  return objects.map((object) => {
    const { uid, generation } = asObject(object["metadata"]) ?? {};
    return { uid, generation };
  });
}

async function runJobset(args: readonly string[]): Promise<CommandAnswer> {
  let out = "";
  let error = "";
  const code = await runCommandLine({
    name: "jobset",
    args,
    env: {},
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
    signal: new AbortController().signal,
    loadController: () => Promise.reject(new Error("no controller is run here")),
  });
  return { code, out, error };
}
