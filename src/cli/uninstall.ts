import type { Command } from "commander";
import { thisVersion } from "../base/version.ts";
import { defaultInstallOptions, readInstallOptions, readYesOrNo } from "../install/install_options.ts";
import type { CommandContext } from "./command_line.ts";
import { addClusterFlags, isGiven, withCluster } from "./install.ts";
import { givenFlags } from "./manifests.ts";

const HELP = `
The CRD stays, and with it every JobSet; their Jobs go on, but nothing restarts or finishes them.

Examples:
  jobset uninstall
  jobset uninstall --dry-run
  jobset uninstall --crds --yes    with the CRD and all JobSets
`;

/** `jobset uninstall`: the installation without the JobSets. */
export function addUninstallCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("uninstall")
    .description("remove the controller; JobSets stay unless --crds is given")
    .helpOption("-h, --help", "show this help")
    .option("--namespace <name>", "namespace of the controller (default: where it is found)");
  addClusterFlags(command)
    .option("--crds [bool]", "remove the CRD too, and with it all JobSets")
    .option("--yes [bool]", "do so even if there are JobSets")
    .addHelpText("after", HELP);
  command.action(async () => {
    const flags = givenFlags(command);
    const base = readInstallOptions({ namespace: flags["namespace"] }, defaultInstallOptions(thisVersion().version));
    const request = {
      base,
      isNamespaceGiven: isGiven(flags, "namespace"),
      hasCrds: readYesOrNo("crds", flags["crds"]) ?? false,
      isConfirmed: readYesOrNo("yes", flags["yes"]) ?? false,
      isWaiting: readYesOrNo("wait", flags["wait"]) ?? true,
    };
    await withCluster(flags, context, async (cluster) => {
      const { uninstall } = await import("../install/uninstall.ts");
      for (const line of await uninstall(cluster, request)) cluster.report(line);
      cluster.report(`jobset uninstall: ${cluster.isDryRun ? "nothing was removed (dry run)" : "done"}`);
    });
  });
}
