import { systemClock } from "./base/clock.ts";
import { lineSink } from "./base/line_sink.ts";
import { failOnUncaught, stopOnSignals } from "./cli/process_events.ts";

/** How long the last lines may take to reach a slow reader. */
const LAST_LINES_MS = 2000;

const clock = systemClock();
const out = lineSink(Bun.stdout.writer(), clock);
const error = lineSink(Bun.stderr.writer(), clock);
const exit = async (code: number) => {
  await Promise.all([out.drain(LAST_LINES_MS), error.drain(LAST_LINES_MS)]);
  process.exit(code);
};

// First of all, before the rest is even loaded: process 1 of a container ignores signals that nobody handles.
const signal = stopOnSignals(process, (code) => process.exit(code));
failOnUncaught(process, (line) => {
  error.write(line);
  return exit(1);
});

const { runCommandLine } = await import("./cli/command_line.ts");
await exit(
  await runCommandLine({
    // A compiled binary always has `bun` as argv[0]; argv0 is the name that it was called by.
    name: process.argv0,
    args: process.argv.slice(2),
    env: process.env,
    writeOut: (text) => out.write(text),
    writeError: (text) => error.write(text),
    signal,
    // Loaded only by the command that needs it, so that the others start at once.
    loadController: async () => (await import("./run.ts")).runController,
  }),
);
