import { type Command, Option } from "commander";
import { thisVersion, type Version } from "../base/version.ts";
import type { CommandContext } from "./command_line.ts";

/** `jobset version`: what this executable is. */
export function addVersionCommand(program: Command, { writeOut }: CommandContext): void {
  program
    .command("version")
    .description("print the version of this executable")
    .helpOption("-h, --help", "show this help")
    .addOption(new Option("-o, --output <format>", "json, yaml or short").choices(["json", "yaml", "short"]))
    .action(async ({ output }: { readonly output?: string }) => writeOut(await formatVersion(thisVersion(), output)));
}

async function formatVersion(version: Version, output: string | undefined): Promise<string> {
  switch (output) {
    case "json":
      return `${JSON.stringify(version)}\n`;
    case "yaml":
      // Loaded only here: it costs the controller megabytes.
      return (await import("yaml")).stringify(version);
    case "short":
      return `${version.version}\n`;
    default:
      return `jobset ${version.version} (${version.platform}) ${version.commit}\n`;
  }
}
