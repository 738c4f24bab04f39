import { Command, CommanderError } from "commander";
import { escapeControls } from "../base/logger.ts";
import { ConfigFileError } from "../config/config_file_error.ts";
import type { ControllerSettings } from "../config/settings.ts";
import { UsageError } from "../config/usage_error.ts";
import { addAgentCommand } from "./agent.ts";
import { commandArgs } from "./command_args.ts";
import { addControllerCommand } from "./controller.ts";
import { describeError } from "./error_line.ts";
import { addInstallCommand } from "./install.ts";
import { addManifestsCommand } from "./manifests.ts";
import { addNodesCommand } from "./nodes.ts";
import { addUninstallCommand } from "./uninstall.ts";
import { addUpgradeCommand } from "./upgrade.ts";
import { describeUsage } from "./usage_line.ts";
import { addVersionCommand } from "./version.ts";

/** Runs the controller until the signal aborts, with its log lines written by `writeLog`; resolves to the exit code. */
export type RunController = (
  settings: ControllerSettings,
  signal: AbortSignal,
  writeLog: (line: string) => void,
) => Promise<number>;

/** How the executable was called, and what it may talk to. */
export interface Invocation {
  /** The path or name that it was called by. */
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
  readonly loadController: () => Promise<RunController>;
}

/** What a command gets besides its flags. */
export interface CommandContext extends Invocation {
  /** The exit code of the process, 0 unless a command sets another. */
  setExitCode(code: number): void;
}

const EXAMPLES = `
Examples:
  jobset controller                            run the controller, in a Pod or with your kubeconfig
  jobset controller --namespace team-a         reconcile one namespace only
  jobset controller --config config.yaml       with webhooks, metrics and leader election as the file says
  jobset install                               install it into the cluster, or take over what is there
  jobset version --output json

'jobset <command> --help' tells the flags of a command.
`;

/**
 * Runs one command to its end and resolves to the exit code;
 * every failure is one line on stderr (of a configuration file: one for each mistake) and code 1.
 */
export async function runCommandLine(invocation: Invocation): Promise<number> {
  let exitCode = 0;
  const program = buildProgram({ ...invocation, setExitCode: (code) => exitCode = code });
  const args = commandArgs(invocation, program);
  const called = program.commands.find((command) => command.name() === args[0]);
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return 0;
    if (cause instanceof ConfigFileError) {
      for (const problem of cause.problems) invocation.writeError(`error: ${escapeControls(problem)}\n`);
      return 1;
    }
    const help = ["jobset", ...(called === undefined ? [] : [called.name()]), "--help"].join(" ");
    const line = cause instanceof CommanderError
      ? `${escapeControls(describeUsage(cause))}; see '${help}'`
      : cause instanceof UsageError
      ? `${describeError(cause)}; see '${help}'`
      : describeError(cause);
    invocation.writeError(`error: ${line}\n`);
    return 1;
  }
}

function buildProgram(context: CommandContext): Command {
  const program = new Command("jobset")
    .description("JobSet for Kubernetes: groups of Jobs that start, restart and finish as one.")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("after", EXAMPLES)
    .configureOutput({ writeOut: context.writeOut, writeErr: () => {}, outputError: () => {} })
    .exitOverride();
  addControllerCommand(program, context);
  addAgentCommand(program, context);
  addInstallCommand(program, context);
  addUpgradeCommand(program, context);
  addUninstallCommand(program, context);
  addManifestsCommand(program, context);
  addNodesCommand(program, context);
  addVersionCommand(program, context);
  return program;
}
