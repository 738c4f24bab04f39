import type { Command } from "commander";
import type { CommandContext } from "./command_line.ts";
import { addApplyFlags, runInstall } from "./install.ts";
import { givenFlags } from "./manifests.ts";

const HELP = `
Namespace, replicas, certificates, webhook URL and configuration stay as they are unless a flag names them. JobSets and their
Jobs go on running.

Examples:
  jobset upgrade
  jobset upgrade --image registry.example/jobset:v2
  jobset upgrade --dry-run
`;

/** `jobset upgrade`: an installation that is there, brought to this version. */
export function addUpgradeCommand(program: Command, context: CommandContext): void {
  const command = program.command("upgrade").description("bring an installation to this version");
  addApplyFlags(command).addHelpText("after", HELP);
  command.action(() => runInstall("upgrade", givenFlags(command), context));
}
