/** Pods with real agents: a Node of our own whose kubelet runs our executable, and the examples as users apply them. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { ProcessGroup } from "../../scripts/control_plane/process_group.ts";
import { type Kubelet, startKubelet } from "../../scripts/kubelet.ts";
import { processMaker } from "../../scripts/kubelet/process_container.ts";
import { annotationsOf, type Cluster, nameOf, uidOf } from "./cluster.ts";
import type { Environment } from "./environment.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;
const ATTEMPT = "jobset.sigs.k8s.io/in-place-restart-attempt";
const JOBSET_NAME = "jobset.sigs.k8s.io/jobset-name";
/** Nobody else's Pods come here. */
const TAINT = { key: "jobset-lite.test/agents", value: "only", effect: "NoSchedule" };

/** A Node that runs Pods of our executable as processes, without delays of its own. */
export class AgentNode {
  readonly name: string;
  readonly #environment: Environment;
  readonly #kubelet: Kubelet;
  readonly #group: ProcessGroup;
  readonly #dir: string;

  private constructor(environment: Environment, parts: Pick<AgentNode, "name"> & NodeParts) {
    this.name = parts.name;
    this.#environment = environment;
    this.#kubelet = parts.kubelet;
    this.#group = parts.group;
    this.#dir = parts.dir;
  }

  static async start(environment: Environment): Promise<AgentNode> {
    const { api, description: { binary, dir: parent } } = environment;
    const name = `agents-${crypto.randomUUID().slice(0, 8)}`;
    const dir = join(parent, name);
    mkdirSync(dir, { recursive: true });
    const group = new ProcessGroup(dir);
    const kubelet = await startKubelet({
      access: api.access,
      nodes: [name],
      taints: () => [TAINT],
      makeProcess: processMaker({ api, binary, dir, group }),
      restartDelay: "none",
    });
    return new AgentNode(environment, { name, kubelet, group, dir });
  }

  /** A file in the folder that a container of the Pod runs in; its service account's files are in `serviceaccount`. */
  fileOf(pod: JsonObject, container: string, file: string): string {
    return join(this.#dir, "pods", uidOf(pod), container, file);
  }

  async stop(): Promise<void> {
    await this.#kubelet.stop();
    await this.#group.stop();
    await this.#environment.api.delete(`/api/v1/nodes/${this.name}`);
  }
}

interface NodeParts {
  readonly kubelet: Kubelet;
  readonly group: ProcessGroup;
  readonly dir: string;
}

/** The objects of an example that are wanted, as it has them but for the namespace that its subjects name. */
export function exampleText(file: string, namespace: string, isWanted: (kind: string) => boolean): string {
  const text = readFileSync(EXAMPLES + file, "utf8").replaceAll("namespace: default", `namespace: ${namespace}`);
  const wanted = parseAllDocuments(text).filter((document) => isWanted(asString(document.get("kind")) ?? ""));
  return wanted.map((document) => stringify(document.toJS())).join("---\n");
}

/** Applies them, as a user does. */
export async function applyExample(
  cluster: Cluster,
  file: string,
  isWanted: (kind: string) => boolean = (kind) => !kind.startsWith("Validating"),
): Promise<void> {
  const { code, stderr } = await cluster.environment.kubectl(
    ["-n", cluster.namespace, "apply", "-f", "-"],
    exampleText(file, cluster.namespace, isWanted),
  );
  if (code !== 0) throw new Error(`apply ${file}: ${stderr}`);
}

/** A Pod as the Job controller would make it of the applied JobSet, on this Node. `env` is added to the agent's own. */
export async function createPod(
  cluster: Cluster,
  node: AgentNode,
  { jobSet: name, pod: podName, env = {} }: {
    readonly jobSet: string;
    readonly pod: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<JsonObject> {
  const jobSet = await cluster.jobSet(name);
  const [group] = asArray(at(jobSet, "spec", "replicatedJobs"));
  const spec = asObject(at(group, "template", "spec", "template", "spec")) ?? {};
  const added = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  const withEnv = (field: string) =>
    asArray(spec[field]).map((container) => {
      const given = asArray(at(container, "env")).filter((entry) =>
        env[asString(at(entry, "name")) ?? ""] === undefined
      );
      return given.length === 0 ? container : { ...asObject(container), env: [...given, ...added] };
    });
  return await cluster.create("pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName, labels: { [JOBSET_NAME]: name } },
    spec: {
      ...spec,
      nodeName: node.name,
      initContainers: withEnv("initContainers"),
      containers: withEnv("containers"),
    },
  });
}

/** Resolves once the agent of the Pod has written this attempt. */
export async function attemptWritten(cluster: Cluster, pod: JsonObject, attempt: number): Promise<void> {
  await cluster.eventually(`attempt ${attempt} of ${nameOf(pod)}`, async () => {
    const seen = await cluster.get("pods", nameOf(pod));
    return annotationsOf(seen)[ATTEMPT] === String(attempt);
  });
}

/** How often its containers were restarted, by their names. */
export async function restartCounts(cluster: Cluster, pod: JsonObject): Promise<Readonly<Record<string, unknown>>> {
  const { status } = await cluster.get("pods", nameOf(pod));
  const statuses = ["initContainerStatuses", "containerStatuses"].flatMap((field) => asArray(at(status, field)));
  return Object.fromEntries(statuses.map((entry) => [asString(at(entry, "name")), at(entry, "restartCount")]));
}
