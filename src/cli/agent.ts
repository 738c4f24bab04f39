import type { Command } from "commander";
import { handleSignals } from "../agent/signals.ts";
import type { CommandContext } from "./command_line.ts";

const HELP = `
It holds the work of its Pod back until all Pods of the JobSet are ready for the same attempt, and ends when another Pod has failed,
so that the kubelet restarts the containers where they are. Called as 'in-place-restart-agent' it needs no arguments.

Environment:
  JOBSET_NAME                 the JobSet (required)
  POD_NAME                    this Pod (required)
  WORKER_COMMAND              as the main container: run this by the shell once the barrier is lifted
  STARTUP_PROBE_PATH          as a sidecar: answers 200 once the barrier is lifted (default: /barrier-is-down)
  STARTUP_PROBE_PORT          and where (default: 8081)
  IN_PLACE_RESTART_EXIT_CODE  what it ends with when the Pod is to restart in place (default: 1)
  JOBSET_SERVICE_ACCOUNT_DIR  token, namespace and ca.crt, for processes outside Pods

Its service account needs patch on pods, and get, list and watch on jobsets of jobset.x-k8s.io: see the examples
in-place-restart-sidecar.yaml and in-place-restart-main.yaml.
`;

/** Whether the executable is called as the agent and as nothing else: then nothing of the command line is loaded. */
export function isAgentCall({ name, args }: { readonly name: string; readonly args: readonly string[] }): boolean {
  const called = name.slice(name.lastIndexOf("/") + 1);
  return called === "in-place-restart-agent" ? args.length === 0 : args.length === 1 && args[0] === "agent";
}

/** `jobset agent`: the in-place-restart agent (spec 5.2). */
export function addAgentCommand(program: Command, context: CommandContext): void {
  program
    .command("agent")
    .description("run the in-place-restart agent of a Pod")
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", HELP)
    .action(async () => {
      const { runAgent } = await import("../agent/run_agent.ts");
      const signals = handleSignals(process, (code) => process.exit(code));
      const { env, writeError } = context;
      context.setExitCode(await runAgent({ env, signals, writeError, isFirstProcess: process.pid === 1 }));
    });
}
