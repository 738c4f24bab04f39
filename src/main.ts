import { failOnUncaught, stopOnSignals } from "./cli/process_events.ts";

// First of all, before the rest is even loaded: process 1 of a container ignores signals that nobody handles.
const signal = stopOnSignals(process);
failOnUncaught(process);

const { runCommandLine } = await import("./cli/command_line.ts");
process.exit(
  await runCommandLine({
    // A compiled binary always has `bun` as argv[0]; argv0 is the name that it was called by.
    name: process.argv0,
    args: process.argv.slice(2),
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    signal,
    // Loaded only by the command that needs it, so that the others start at once.
    loadController: async () => (await import("./run.ts")).runController,
  }),
);
