import type { Command, Option } from "commander";

/**
 * Makes of what was typed what commander reads:
 * - Called as `manager`, or with a flag first, it is `jobset controller` (spec 6.1); `--version` is `jobset version`.
 * - Called as `in-place-restart-agent` it is `jobset agent` (spec 5.2).
 * - Go's single-dash flags (`-kubeconfig=x`) get their second dash.
 * - A flag that is yes or no takes a value after `=` only, as in Go.
 */
export function commandArgs(
  { name, args }: { readonly name: string; readonly args: readonly string[] },
  program: Command,
): string[] {
  const called = name.slice(name.lastIndexOf("/") + 1);
  const isCommand = (arg: string | undefined) => program.commands.some((command) => command.name() === arg);
  const first = twoDashes(args[0] ?? "");
  if (called === "manager" && !isCommand(args[0]) && args[0] !== "help") return flagsOf("controller", args, program);
  if (called === "in-place-restart-agent") return ["agent", ...args];
  if (args.length === 0) return ["--help"];
  if (first === "--version") return ["version", ...args.slice(1)];
  if (first === "--help" || first === "-h") return [first, ...args.slice(1)];
  if (first.startsWith("-")) return flagsOf("controller", args, program);
  const [command = "", ...rest] = args;
  // Commander shows the general help for the help of an unknown command; read as that command it is an error.
  if (command === "help" && rest[0] !== undefined && !isCommand(rest[0])) return rest;
  return isCommand(command) ? flagsOf(command, rest, program) : [...args];
}

function flagsOf(name: string, args: readonly string[], program: Command): string[] {
  const options = program.commands.find((command) => command.name() === name)?.options ?? [];
  const read = [name];
  for (let index = 0; index < args.length; index++) {
    const arg = twoDashes(args[index] ?? "");
    if (arg === "--") return [...read, ...args.slice(index)];
    const option = options.find((candidate) => candidate.long === arg);
    read.push(option !== undefined && isYesOrNo(option) ? `${arg}=true` : arg);
    const value = args[index + 1];
    if (option?.required === true && value !== undefined) {
      read.push(value);
      index++;
    }
  }
  return read;
}

function twoDashes(arg: string): string {
  return /^-[A-Za-z][A-Za-z-]/.test(arg) ? `-${arg}` : arg;
}

/** Declared as `--flag [bool]`. */
function isYesOrNo(option: Option): boolean {
  return option.optional;
}
