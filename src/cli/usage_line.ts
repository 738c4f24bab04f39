import type { CommanderError } from "commander";

/** What was typed wrong, on one line, in the words of a Kubernetes component: flags, not options. */
export function describeUsage({ code, message }: CommanderError): string {
  const [, quoted = ""] = /'([^']*)'/.exec(message) ?? [];
  const [, meant] = /Did you mean (?:one of )?(.+)\?/.exec(message) ?? [];
  const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
  const flag = quoted.split(" ")[0] ?? "";
  switch (code) {
    case "commander.unknownOption":
      return `unknown flag ${flag.split("=")[0]}${hint}`;
    case "commander.optionMissingArgument":
      return `flag ${flag} needs a value`;
    case "commander.unknownCommand":
      return `unknown command "${quoted}"${hint}`;
    case "commander.excessArguments":
      return "unexpected argument: this command takes flags only";
    default:
      return message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  }
}
