import { type Command, Option } from "commander";
import { FEATURE_GATE_NAMES, FEATURE_GATES } from "../api/feature_gates.ts";
import type { ControllerFlags } from "../config/flags.ts";
import { loadSettings } from "../config/load_settings.ts";
import type { CommandContext } from "./command_line.ts";

function help(): string {
  return `
Feature gates (--feature-gates A=true,B=false, or featureGates in the file):
${gateTable()}
  AllAlpha and AllBeta set every gate of that stage that is not named itself.

Flags win over the file, the file over the defaults. In a cluster, or with --config, leader election, webhooks and
metrics are on by default; elsewhere they are off unless a flag or a file turns them on.
Cluster access: --kubeconfig, then the KUBECONFIG variable, then the Pod's service account, then ~/.kube/config.
Accepted for compatibility and without effect: --zap-devel, --zap-encoder, --zap-stacktrace-level, --zap-time-encoding.
SIGTERM stops it: work under way is finished, for at most 10 s. A second SIGTERM ends it at once.

Examples:
  jobset controller --kubeconfig ~/.kube/config --context kind-test
  jobset controller --namespace team-a --zap-log-level 2
  jobset controller --config /etc/jobset/config.yaml --leader-elect=false --feature-gates RestartJob=true
  jobset controller --health-probe-bind-address 127.0.0.1:8081 --kube-api-qps 50 --kube-api-burst 100
`;
}

/** `jobset controller`: the controller itself. */
export function addControllerCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("controller")
    .description("run the controller until it is told to stop")
    .helpOption("-h, --help", "show this help")
    .option("--config <file>", "configuration file: YAML, kind Configuration of config.jobset.x-k8s.io/v1alpha1")
    .option("--kubeconfig <file>", "kubeconfig of the cluster")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--namespace <name>", "watch and reconcile this namespace only (default: all)")
    .option("--leader-elect [bool]", "reconcile only while holding the lease (default: true in a cluster)")
    .option("--metrics-bind-address <address>", 'where /metrics is served, "0": off (default: ":8443" in a cluster)')
    .option(
      "--health-probe-bind-address <address>",
      'where /healthz and /readyz are served, "0": off (default: ":8081")',
    )
    .option("--kube-api-qps <n>", "requests per second to the API server (default: 500)")
    .option("--kube-api-burst <n>", "requests at once after a pause (default: 500)")
    .addOption(new Option("--feature-gates <map>", "gates to set, as A=true,B=false: see below").argParser(joined))
    .option("--zap-log-level <level>", "debug, info, error, or a number: 2 logs each effect (default: info)")
    .addHelpText("after", help());
  for (
    const flags of ["--zap-devel [bool]", "--zap-encoder <v>", "--zap-stacktrace-level <v>", "--zap-time-encoding <v>"]
  ) {
    command.addOption(new Option(flags).hideHelp());
  }
  command.action(async () => {
    const settings = await loadSettings({
      flags: givenFlags(command),
      env: context.env,
      // Loaded only with such a file: the libraries that read and check it cost megabytes.
      readConfigFile: async (path) => await (await import("../config/config_file.ts")).readConfigFile(path),
    });
    const runController = await context.loadController();
    context.setExitCode(await runController(settings, context.signal, context.writeError));
  });
}

/** The flags by their long names. */
function givenFlags(command: Command): ControllerFlags {
  const values = command.opts<Record<string, string | undefined>>();
  return Object.fromEntries(command.options.map((option) => [option.name(), values[option.attributeName()]]));
}

/** A flag that is given again adds to what it said before. */
function joined(value: string, before: string | undefined): string {
  return before === undefined ? value : `${before},${value}`;
}

function gateTable(): string {
  const width = Math.max(...FEATURE_GATE_NAMES.map((name) => name.length));
  return FEATURE_GATE_NAMES.map((name) => {
    const { stage, default: byDefault, isLocked } = FEATURE_GATES[name];
    return `  ${name.padEnd(width)}  ${stage.padEnd(5)}  default ${byDefault}${isLocked ? ", locked" : ""}`;
  }).join("\n");
}
