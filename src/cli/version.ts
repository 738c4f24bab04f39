import { type Command, Option } from "commander";
import { stringify } from "yaml";
import { thisVersion, type Version } from "../base/version.ts";
import type { CommandContext } from "./command_line.ts";

/** `jobset version`: what this executable is. */
export function addVersionCommand(program: Command, { writeOut }: CommandContext): void {
  program
    .command("version")
    .description("print the version of this executable")
    .helpOption("-h, --help", "show this help")
    .addOption(new Option("-o, --output <format>", "json, yaml or short").choices(["json", "yaml", "short"]))
    .action(({ output }: { readonly output?: string }) => writeOut(formatVersion(thisVersion(), output)));
}

function formatVersion(version: Version, output: string | undefined): string {
  switch (output) {
    case "json":
      return `${JSON.stringify(version)}\n`;
    case "yaml":
      return stringify(version);
    case "short":
      return `${version.version}\n`;
    default:
      return `jobset ${version.version} (${version.platform}) ${version.commit}\n`;
  }
}
