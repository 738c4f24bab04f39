import type { Command } from "commander";
import { thisVersion } from "../base/version.ts";
import {
  defaultInstallOptions,
  type InstallFlags,
  readInstallOptions,
  readYesOrNo,
} from "../install/install_options.ts";
import type { CommandContext } from "./command_line.ts";

const HELP = `
Applying the output again changes nothing, and over an installation of the reference controller it takes over.

Examples:
  jobset manifests | kubectl apply --server-side --force-conflicts -f -
  jobset manifests --image registry.example/jobset:v1 --namespace batch | kubectl apply -f -
  jobset manifests --crds-only | kubectl apply --server-side --force-conflicts -f -
  jobset manifests --webhook-url https://head.example:9443 | kubectl apply --server-side --force-conflicts -f -
`;

/** `jobset manifests`: everything that an installation needs, as one file. */
export function addManifestsCommand(program: Command, { writeOut }: CommandContext): void {
  const command = program
    .command("manifests")
    .description("print the install manifest: CRD, roles, webhooks, Deployment")
    .helpOption("-h, --help", "show this help");
  addInstallFlags(command)
    .option("--crds-only [bool]", "print the CRD and nothing else")
    .addHelpText("after", HELP);
  command.action(async () => {
    const flags = givenFlags(command);
    const { version } = thisVersion();
    const options = readInstallOptions(flags, defaultInstallOptions(version));
    const isCrdsOnly = readYesOrNo("crds-only", flags["crds-only"]) ?? false;
    // Loaded only here, with the YAML library: it costs the controller megabytes.
    const { manifestText } = await import("../install/manifest_text.ts");
    writeOut(manifestText({ ...options, isCrdsOnly, version }));
  });
}

/** The flags that say what an installation is made of. */
export function addInstallFlags(command: Command): Command {
  return command
    .option("--namespace <name>", 'namespace of the controller (default: "jobset-system")')
    .option("--skip-namespace [bool]", "leave out the Namespace: it exists and is shared with others")
    .option("--image <image>", "image of the controller (default: localhost/jobset-lite/jobset of this version)")
    .option("--image-pull-secret <name>", "Secret with the registry's credentials")
    .option("--replicas <n>", "replicas of the controller; one reconciles, all serve webhooks (default: 1)")
    .option("--feature-gates <gates>", "written into the configuration, such as RestartJob=true,ElasticJobSet=true")
    .option("--cert-manager [bool]", "certificates by cert-manager in place of the controller's own")
    .option("--prometheus [bool]", "with a ServiceMonitor and roles for the Prometheus operator")
    .option("--webhook-url <url>", "the controller runs outside of the cluster: no Deployment, webhooks by this URL");
}

/** The flags by their long names. */
export function givenFlags(command: Command): InstallFlags {
  const values = command.opts<Record<string, string | undefined>>();
  return Object.fromEntries(command.options.map((option) => [option.name(), values[option.attributeName()]]));
}
