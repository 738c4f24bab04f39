import type { Command } from "commander";
import { parseDuration } from "../base/duration.ts";
import { thisVersion } from "../base/version.ts";
import { UsageError } from "../config/usage_error.ts";
import type { InstallCluster } from "../install/install_cluster.ts";
import {
  defaultInstallOptions,
  type InstallFlags,
  readInstallOptions,
  readYesOrNo,
} from "../install/install_options.ts";
import { withClient } from "./cluster_client.ts";
import type { CommandContext } from "./command_line.ts";
import { addInstallFlags, givenFlags } from "./manifests.ts";

const HELP = `
What is there already is taken over: JobSets and their Jobs go on running, and choices that no flag names stay as they are.
Another run changes nothing. What it applies is what 'jobset manifests' prints.

Examples:
  jobset install
  jobset install --image registry.example/jobset:v1 --replicas 2 --prometheus
  jobset install --dry-run
  jobset install --webhook-url https://head.example:9443
`;

/** `jobset install`: what `jobset manifests` prints, applied, and waited for. */
export function addInstallCommand(program: Command, context: CommandContext): void {
  const command = program.command("install").description("install into the cluster, over whatever is there");
  addApplyFlags(command).addHelpText("after", HELP);
  command.action(() => runInstall("install", givenFlags(command), context));
}

/** The flags of install and upgrade. */
export function addApplyFlags(command: Command): Command {
  return addClusterFlags(addInstallFlags(command.helpOption("-h, --help", "show this help")))
    .option("--reset-config [bool]", "write the default configuration over the one that is there")
    .option("--replace-helm [bool]", "end a Helm release of a JobSet controller and take over");
}

/** The flags of every command that changes the cluster. */
export function addClusterFlags(command: Command): Command {
  return command
    .option("--kubeconfig <file>", "kubeconfig of the cluster")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--wait [bool]", "wait until all is done (default: true)")
    .option("--timeout <duration>", "how long each wait may take (default: 3m)")
    .option("--dry-run [bool]", "have the API server check everything and store nothing");
}

export async function runInstall(
  name: "install" | "upgrade",
  flags: InstallFlags,
  context: CommandContext,
): Promise<void> {
  const defaults = defaultInstallOptions(thisVersion().version);
  const asked = readInstallOptions(flags, defaults);
  const isYes = (flag: string) => readYesOrNo(flag, flags[flag]) ?? false;
  const request = {
    command: name,
    base: { ...defaults, namespace: asked.namespace },
    isNamespaceGiven: isGiven(flags, "namespace"),
    isImageGiven: isGiven(flags, "image"),
    withFlags: (options: typeof asked) => readInstallOptions({ ...flags, namespace: options.namespace }, options),
    isConfigReset: isYes("reset-config"),
    mayReplaceHelm: isYes("replace-helm"),
    isWaiting: readYesOrNo("wait", flags["wait"]) ?? true,
  };
  await withCluster(flags, context, async (cluster) => {
    const { install } = await import("../install/install.ts");
    cluster.report(await install(cluster, request));
  });
}

/** Runs `act` with the cluster that the flags name. */
export async function withCluster(
  flags: InstallFlags,
  context: CommandContext,
  act: (cluster: InstallCluster) => Promise<void>,
): Promise<void> {
  const isDryRun = readYesOrNo("dry-run", flags["dry-run"]) ?? false;
  const timeoutMs = readTimeout(flags["timeout"]);
  await withClient(
    { kubeconfig: flags["kubeconfig"], context: flags["context"] },
    context,
    async ({ client, clock }) => {
      const { InstallCluster } = await import("../install/install_cluster.ts");
      const report = (line: string) => context.writeOut(`${line}\n`);
      await act(new InstallCluster({ client, clock, signal: context.signal, report, isDryRun, timeoutMs }));
    },
  );
}

export function isGiven(flags: InstallFlags, flag: string): boolean {
  return flags[flag] !== undefined && flags[flag] !== "";
}

function readTimeout(value: string | undefined): number {
  if (value === undefined || value === "") return 180_000;
  const timeoutMs = parseDuration(value);
  if (timeoutMs !== undefined && timeoutMs > 0) return timeoutMs;
  throw new UsageError(`--timeout: "${value}" is not a duration such as 90s or 5m`);
}
