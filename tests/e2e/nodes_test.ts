/** `jobset nodes` and exclusive placement by node selector (spec 3.7, 4, 7.10), on Nodes that no other test's Pods go to. */
import { expect } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { kubeconfigText } from "../../scripts/control_plane/kubeconfig.ts";
import { type Kubelet, startKubelet } from "../../scripts/kubelet.ts";
import { type Cluster, labelsOf, nameOf } from "./cluster.ts";
import type { KubectlAnswer } from "./environment.ts";
import { group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();
const HELD = "alpha.jobset.sigs.k8s.io/namespaced-job";
const TAINT = "alpha.jobset.sigs.k8s.io/no-schedule";
const OWN = "e2e.jobset-lite.test/nodes";

/** Racks of Nodes with a topology of their own, tainted against the Pods of all other tests. */
class Racks {
  readonly key: string;
  readonly cluster: Cluster;
  readonly #kubelet: Kubelet;

  private constructor(cluster: Cluster, key: string, kubelet: Kubelet) {
    this.cluster = cluster;
    this.key = key;
    this.#kubelet = kubelet;
  }

  /** So many Nodes for each rack. */
  static async start(cluster: Cluster, racks: Readonly<Record<string, number>>): Promise<Racks> {
    const key = `e2e.jobset-lite.test/${cluster.namespace}`;
    const rackOf = new Map<string, string>(
      Object.entries(racks).flatMap(([rack, size]) =>
        Array.from({ length: size }, (_, index) => [`${cluster.namespace}-${rack}-${index}`, rack] as const)
      ),
    );
    const kubelet = await startKubelet({
      access: cluster.api.access,
      nodes: [...rackOf.keys()],
      labels: (name) => ({ [key]: rackOf.get(name) ?? "" }),
      taints: () => [{ key: OWN, value: cluster.namespace, effect: "NoSchedule" }],
    });
    return new Racks(cluster, key, kubelet);
  }

  nodes(): Promise<readonly JsonObject[]> {
    return this.cluster.api.list(`/api/v1/nodes?labelSelector=${encodeURIComponent(this.key)}`);
  }

  /** Rack → what its Nodes are labelled for, each once; undefined where nothing is. Labelled Nodes are tainted, others not. */
  async holders(): Promise<Readonly<Record<string, readonly (string | undefined)[]>>> {
    const found: Record<string, (string | undefined)[]> = {};
    for (const node of await this.nodes()) {
      const holder = labelsOf(node)[HELD];
      const taints = asArray(at(node, "spec", "taints"));
      const ours = taints.filter((taint) => at(taint, "key") === TAINT);
      expect(ours).toHaveLength(holder === undefined ? 0 : 1);
      expect(taints.some((taint) => at(taint, "key") === OWN)).toBe(true);
      const rack = found[labelsOf(node)[this.key] ?? ""] ??= [];
      if (!rack.includes(holder)) rack.push(holder);
    }
    return found;
  }

  /** Of each Node what the command may change; other labels come from Kubernetes' own controllers. */
  async snapshot(): Promise<string> {
    const states = (await this.nodes()).map((node) => [nameOf(node), labelsOf(node)[HELD], at(node, "spec", "taints")]);
    return JSON.stringify(states);
  }

  /** JobSet `name`: Jobs of so many Pods each, annotated for this topology by node selector. */
  jobSet(name: string, replicas: number, parallelism: number): JsonObject {
    const tolerations = [{ key: OWN, value: this.cluster.namespace, effect: "NoSchedule" }];
    const annotations = {
      "alpha.jobset.sigs.k8s.io/exclusive-topology": this.key,
      "alpha.jobset.sigs.k8s.io/node-selector": "true",
    };
    const body = jobSet(name, [group("w", { replicas, parallelism, pod: { tolerations } })]);
    return { ...body, metadata: { name, annotations } };
  }

  /** Runs the executable as the administrator, unless a kubeconfig is given. */
  async run(args: readonly string[], kubeconfig?: string): Promise<KubectlAnswer> {
    const { description } = this.cluster.environment;
    const where = `--kubeconfig=${kubeconfig ?? description.kubeconfig}`;
    const child = Bun.spawn([description.binary, "nodes", ...args, where], { stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  /** What the command printed; throws with its words where it failed. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`jobset nodes ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** Whatever runs on these Nodes ends before they do. */
  async stop(): Promise<void> {
    await this.cluster.api.delete(this.cluster.path("jobsets"));
    await this.cluster.eventually("the Pods to be gone", async () => (await this.cluster.list("pods")).length === 0);
    await this.#kubelet.stop();
    await Promise.all(this.#kubelet.nodeNames.map((name) => this.cluster.api.delete(`/api/v1/nodes/${name}`)));
  }
}

function onRacks(
  name: string,
  racks: Readonly<Record<string, number>>,
  body: (racks: Racks, cluster: Cluster) => Promise<void>,
): void {
  e2e.test(name, async (cluster) => {
    const started = await Racks.start(cluster, racks);
    try {
      await body(started, cluster);
    } finally {
      await started.stop();
    }
  });
}

onRacks("label gives each Job a rack of its own, where the scheduler puts its Pods; unlabel gives them back", {
  r1: 3,
  r2: 2,
  r10: 1,
}, async (racks, cluster) => {
  const { namespace } = cluster;
  const args = [`--topology=${racks.key}`, `--namespace=${namespace}`];
  await cluster.create("jobsets", racks.jobSet("js", 2, 2));
  await cluster.jobCount("js", 2);

  const before = await racks.snapshot();
  const told = await racks.must("label", ...args);
  expect(told).toContain("5 nodes to change, nothing is changed yet (dry run): add --yes to do it");
  expect(told).toMatch(new RegExp(`^${namespace}-r2-1 +r2 +${namespace}/js-w-0 +label, taint$`, "m"));
  expect(await racks.snapshot()).toBe(before);

  expect(await racks.must("label", ...args, "--jobset=js", "--yes")).toEndWith("5 nodes changed\n");
  const [first, second] = [`${namespace}_js-w-0`, `${namespace}_js-w-1`];
  expect(await racks.holders()).toEqual({ r1: [second], r2: [first], r10: [undefined] });
  expect(await racks.must("label", ...args, "--yes")).toBe("nothing to label: 2 Jobs have their domains\n");

  const rackOf = new Map((await racks.nodes()).map((node) => [nameOf(node), labelsOf(node)[racks.key]]));
  await cluster.eventually("4 Pods on their Nodes", async () => {
    const pods = await cluster.pods("js");
    const places = pods.map((pod) => {
      const job = labelsOf(pod)["batch.kubernetes.io/job-name"];
      return `${job} ${rackOf.get(asString(at(pod, "spec", "nodeName")) ?? "")}`;
    });
    return places.toSorted().join() === "js-w-0 r2,js-w-0 r2,js-w-1 r1,js-w-1 r1" &&
      pods.every((pod) => at(pod, "status", "phase") === "Running");
  });

  // Other tests may have Nodes beside any topology: those are strays to whoever looks at the whole cluster.
  const { strays, ...shown } = JSON.parse(await racks.must("show", ...args, "-o", "json"));
  expect(asArray(strays).filter((stray) => JSON.stringify(stray).includes(namespace))).toEqual([]);
  expect(shown).toEqual({
    topology: racks.key,
    domains: [
      { name: "r1", nodes: 3, ready: 3, jobs: [{ namespace, name: "js-w-1", nodes: 3 }], taintedByOthers: 0 },
      { name: "r2", nodes: 2, ready: 2, jobs: [{ namespace, name: "js-w-0", nodes: 2 }], taintedByOthers: 0 },
      { name: "r10", nodes: 1, ready: 1, jobs: [], taintedByOthers: 0 },
    ],
    waiting: [],
  });

  expect(await racks.must("unlabel", ...args, "--jobset=js")).toContain("5 nodes to change, nothing is changed yet");
  await cluster.api.delete(cluster.path("jobsets", "js"));
  // Also of a JobSet that is gone.
  expect(await racks.must("unlabel", ...args, "--jobset=js", "--yes")).toEndWith("5 nodes changed\n");
  expect(await racks.snapshot()).toBe(before);
});

onRacks("a Job keeps its rack, and what others hold is not touched", { r1: 1, r2: 2, r3: 1, r4: 1 }, async (
  racks,
  cluster,
) => {
  const { namespace, api } = cluster;
  const args = ["label", `--topology=${racks.key}`, "--jobset=js", `--namespace=${namespace}`, "--yes"];
  const node = (name: string) => `/api/v1/nodes/${namespace}-${name}`;
  const own = { key: OWN, value: namespace, effect: "NoSchedule" };
  await api.patch(node("r1-0"), { metadata: { labels: { [HELD]: "other_job-0" } } });
  await api.patch(node("r3-0"), { spec: { taints: [own, { key: TAINT, value: "mine", effect: "NoSchedule" }] } });
  await api.patch(node("r2-0"), { metadata: { labels: { [HELD]: `${namespace}_js-w-1` } } });
  await cluster.create("jobsets", racks.jobSet("js", 2, 1));
  expect(await racks.must(...args)).toEndWith("3 nodes changed\n");
  const found = (await racks.nodes()).map((entry) => [labelsOf(entry)[racks.key], labelsOf(entry)[HELD]]);
  expect(found.toSorted()).toEqual([
    ["r1", "other_job-0"],
    ["r2", `${namespace}_js-w-1`],
    ["r2", `${namespace}_js-w-1`],
    ["r3", undefined],
    ["r4", `${namespace}_js-w-0`],
  ]);
});

onRacks("too few racks: one line says how many are missing, and nothing is written", { r1: 1, r2: 1 }, async (
  racks,
  cluster,
) => {
  const { namespace } = cluster;
  const args = ["label", `--topology=${racks.key}`, `--namespace=${namespace}`, "--yes"];
  await cluster.create("jobsets", racks.jobSet("js", 4, 1));
  const before = await racks.snapshot();
  expect(await racks.run(args)).toEqual({
    code: 1,
    stdout: "",
    stderr: `error: not enough domains of node label "${racks.key}": 2 more are needed for 4 Jobs that have none ` +
      `(of 2 domains 2 free); left without: ${namespace}/js-w-2 and 1 more\n`,
  });
  expect(await racks.snapshot()).toBe(before);
  expect(await racks.must("show", args[1] ?? "", `-n`, namespace)).toContain(`Job ${namespace}/js-w-3 has no domain`);
});

onRacks("what is forbidden, or not there, is one line that names it", { r1: 1 }, async (racks, cluster) => {
  const { namespace } = cluster;
  const args = ["label", `--topology=${racks.key}`, `--namespace=${namespace}`, "--yes"];
  await cluster.create("jobsets", racks.jobSet("js", 1, 1));
  const { code, stderr } = await racks.run(args, await guest(cluster));
  expect(stderr).toMatch(
    /^error: [^\n]*forbidden: User [^\n]* cannot list resource "nodes"[^\n]*needs list and patch/,
  );
  expect(code).toBe(1);
  const gone = await racks.run([...args, "--jobset=none"]);
  expect(gone.stderr).toBe(`error: there is no JobSet ${namespace}/none; see 'jobset nodes --help'\n`);
});

/** A kubeconfig of somebody who may list JobSets, and nothing else. */
async function guest({ api, namespace, environment }: Cluster): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await api.create(accounts, { metadata: { name: "guest" } });
  const rules = [{ apiGroups: ["jobset.x-k8s.io"], resources: ["jobsets"], verbs: ["get", "list"] }];
  await api.create(`${roles}/roles`, { metadata: { name: "guest" }, rules });
  await api.create(`${roles}/rolebindings`, {
    metadata: { name: "guest" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "guest" },
    subjects: [{ kind: "ServiceAccount", name: "guest", namespace }],
  });
  const answer = await api.create(`${accounts}/guest/token`, { spec: { expirationSeconds: 3600 } });
  const token = asString(at(answer, "status", "token")) ?? "";
  const { url } = environment.description;
  return environment.writeFile(
    "guest.kubeconfig",
    kubeconfigText({ url, caPem: api.access.caPem, user: "guest", token }),
  );
}
