import { type Command, Option } from "commander";
import { type ControllerFlags, settingsFromFlags } from "../config/flags.ts";
import type { CommandContext } from "./command_line.ts";

const HELP = `
Cluster access: --kubeconfig, then the KUBECONFIG variable, then the Pod's service account, then ~/.kube/config.
Accepted for compatibility and without effect: --zap-devel, --zap-encoder, --zap-stacktrace-level, --zap-time-encoding.
SIGTERM stops it: work under way is finished, for at most 10 s. A second SIGTERM ends it at once.

Examples:
  jobset controller --kubeconfig ~/.kube/config --context kind-test
  jobset controller --namespace team-a --zap-log-level 2
  jobset controller --health-probe-bind-address 127.0.0.1:8081 --kube-api-qps 50 --kube-api-burst 100
`;

/** `jobset controller`: the controller itself. */
export function addControllerCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("controller")
    .description("run the controller until it is told to stop")
    .helpOption("-h, --help", "show this help")
    .option("--kubeconfig <file>", "kubeconfig of the cluster")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--namespace <name>", "watch and reconcile this namespace only (default: all)")
    .option("--kube-api-qps <n>", "requests per second to the API server (default: 500)")
    .option("--kube-api-burst <n>", "requests at once after a pause (default: 500)")
    .option("--zap-log-level <level>", "debug, info, error, or a number: 2 logs each effect (default: info)")
    .option(
      "--health-probe-bind-address <address>",
      'where /healthz and /readyz are served, "0": off (default: ":8081")',
    )
    .addHelpText("after", HELP);
  for (
    const flags of ["--zap-devel [bool]", "--zap-encoder <v>", "--zap-stacktrace-level <v>", "--zap-time-encoding <v>"]
  ) {
    command.addOption(new Option(flags).hideHelp());
  }
  command.action(async () => {
    const settings = settingsFromFlags(givenFlags(command));
    const runController = await context.loadController();
    context.setExitCode(await runController(settings, context.signal, context.writeError));
  });
}

/** The flags by their long names. */
function givenFlags(command: Command): ControllerFlags {
  const values = command.opts<Record<string, string | undefined>>();
  return Object.fromEntries(command.options.map((option) => [option.name(), values[option.attributeName()]]));
}
