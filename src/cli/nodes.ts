import type { Command } from "commander";
import { isDns1123Label, isDns1123Subdomain } from "../config/names.ts";
import { UsageError } from "../config/usage_error.ts";
import { readYesOrNo } from "../install/install_options.ts";
import { withClient } from "./cluster_client.ts";
import type { CommandContext } from "./command_line.ts";
import { givenFlags } from "./manifests.ts";

const HELP = `
For JobSets, or replicatedJobs, that are annotated with both
  alpha.jobset.sigs.k8s.io/exclusive-topology: KEY
  alpha.jobset.sigs.k8s.io/node-selector: "true"
the Pods of each Job go to nodes that are labelled for that Job alone. A domain is all nodes with one value of the node label
KEY; each Job gets a whole domain: every node of it is labelled for the Job and tainted, so that other Pods stay away.

A Job that has a domain keeps it, and nodes that came to the domain since are labelled too. A Job without one gets the smallest
free domain with a ready, schedulable node for each of its Pods, or the largest free one where none is large enough: several
Pods may share a node, so that this is a guess. Domains with labels of another Job, or with the taint of somebody else, are
left alone. Where there are not enough domains nothing is written.

Examples:
  jobset nodes label --topology example.com/rack                     tell what would be done for all JobSets
  jobset nodes label --topology example.com/rack --yes               do it
  jobset nodes label --topology example.com/rack -n team-a --jobset train --yes
  jobset nodes show --topology example.com/rack
  jobset nodes unlabel -n team-a --jobset train --yes                give its nodes back
  jobset nodes unlabel --yes                                         give all nodes back, of whatever JobSet
`;

/** As Kubernetes has it for the keys of labels. */
const LABEL_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** `jobset nodes`: labels nodes for exclusive placement by node selector (spec 7.10). */
export function addNodesCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("nodes")
    .description("label, unlabel or show nodes for exclusive placement by node selector")
    .usage("label|unlabel|show [flags]")
    .argument("[action]", "label, unlabel or show")
    .helpOption("-h, --help", "show this help")
    .option("--topology <key>", "node label whose values are the domains")
    .option("--jobset <name>", "this JobSet only (default: all)")
    .option("-n, --namespace <name>", "this namespace only (default: all; with --jobset that of the kubeconfig)")
    .option("--yes [bool]", "do it; without it label and unlabel only tell what they would do")
    .option("-o, --output <format>", "of show: json or yaml")
    .option("--kubeconfig <file>", "kubeconfig of the cluster")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .addHelpText("after", HELP);
  command.action(async (action: string | undefined) => await runNodes(action, givenFlags(command), context));
}

type Flags = ReturnType<typeof givenFlags>;

async function runNodes(action: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  const flag = (name: string) => flags[name] || undefined;
  const topologyKey = readTopology(flag("topology"));
  const jobSet = flag("jobset");
  if (jobSet !== undefined && !isDns1123Subdomain(jobSet)) {
    throw new UsageError(`--jobset: "${jobSet}" is not the name of a JobSet`);
  }
  const isConfirmed = readYesOrNo("yes", flag("yes")) ?? false;
  const format = await readFormat(flag("output"));
  const run = await chooseRun({ action, topologyKey, hasFormat: format !== undefined });
  const given = readNamespace(flag("namespace"));
  const where = { kubeconfig: flag("kubeconfig"), context: flag("context") };
  await withClient(where, context, async ({ client, namespace: home }) => {
    const { NodeCluster } = await import("../nodes/node_cluster.ts");
    const cluster = new NodeCluster({ client, signal: context.signal });
    const namespace = given ?? (jobSet === undefined ? undefined : home ?? "default");
    const print = (line: string) => context.writeOut(`${line}\n`);
    await run({ cluster, namespace, jobSet, isConfirmed, print, format });
  });
}

type Run = (request: {
  readonly cluster: import("../nodes/node_cluster.ts").NodeCluster;
  readonly namespace: string | undefined;
  readonly jobSet: string | undefined;
  readonly isConfirmed: boolean;
  readonly print: (line: string) => void;
  readonly format: ((report: unknown) => string) | undefined;
}) => Promise<void>;

async function chooseRun(
  { action, topologyKey, hasFormat }: {
    readonly action: string | undefined;
    readonly topologyKey: string | undefined;
    readonly hasFormat: boolean;
  },
): Promise<Run> {
  const { labelNodes, unlabelNodes, showNodes } = await import("../nodes/nodes_command.ts");
  if (action !== "label" && action !== "unlabel" && action !== "show") {
    throw new UsageError(
      action === undefined ? "give label, unlabel or show" : `"${action}" is not label, unlabel or show`,
    );
  }
  if (hasFormat && action !== "show") throw new UsageError(`--output: ${action} has none, only show has`);
  if (action === "unlabel") return (request) => unlabelNodes({ ...request, topologyKey });
  if (topologyKey === undefined) {
    throw new UsageError(`flag --topology is needed: the node label whose values are domains`);
  }
  const act = action === "label" ? labelNodes : showNodes;
  return (request) => act({ ...request, topologyKey });
}

function readTopology(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  const slash = key.lastIndexOf("/");
  const isKey = LABEL_NAME.test(key.slice(slash + 1)) && (slash < 0 || isDns1123Subdomain(key.slice(0, slash)));
  if (isKey) return key;
  throw new UsageError(`--topology: "${key}" is not the key of a node label`);
}

function readNamespace(name: string | undefined): string | undefined {
  if (name === undefined || isDns1123Label(name)) return name;
  throw new UsageError(`--namespace: "${name}" is not the name of a namespace`);
}

async function readFormat(output: string | undefined): Promise<((report: unknown) => string) | undefined> {
  switch (output) {
    case undefined:
      return undefined;
    case "json":
      return (report) => JSON.stringify(report, null, 2);
    case "yaml": {
      // Loaded only here: it costs the controller megabytes.
      const { stringify } = await import("yaml");
      return (report) => stringify(report);
    }
    default:
      throw new UsageError(`--output: "${output}" is neither json nor yaml`);
  }
}
