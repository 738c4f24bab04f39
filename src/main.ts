import { startLean } from "./agent/lean_start.ts";
import { handleSignals } from "./agent/signals.ts";
import { systemClock } from "./base/clock.ts";
import { lineSink } from "./base/line_sink.ts";
import { isAgentCall } from "./cli/agent.ts";
import { failOnUncaught, stopOnSignals } from "./cli/process_events.ts";

/** How long the last lines may take to reach a slow reader. */
const LAST_LINES_MS = 2000;
/** Where a compiled executable finds its sources. */
const COMPILED = "/$bunfs/";

const exitNow = (code: number) => process.exit(code);
// A compiled binary always has `bun` as argv[0]; argv0 is the name that it was called by.
const call = { name: process.argv0, args: process.argv.slice(2) };

if (isAgentCall(call)) await runAgent();
else await runCommand();

/** One runs in every Pod of a large JobSet: it loads nothing that it does not need, not even a buffer for its few lines. */
async function runAgent(): Promise<void> {
  const env = startLean({
    ...call,
    env: process.env,
    executable: Bun.main.startsWith(COMPILED) ? process.execPath : undefined,
    replace: (file, args, all) => process.execve?.(file, args, all),
  });
  // Process 1 of a container ignores signals that nobody handles.
  const signals = handleSignals(process, exitNow);
  const writeError = (text: string) => console.error(text.trimEnd());
  failOnUncaught(process, (line) => {
    writeError(line);
    exitNow(1);
  });
  const agent = await import("./agent/run_agent.ts");
  exitNow(await agent.runAgent({ env, signals, writeError, isFirstProcess: process.pid === 1 }));
}

async function runCommand(): Promise<void> {
  const clock = systemClock();
  const out = lineSink(Bun.stdout.writer(), clock);
  const error = lineSink(Bun.stderr.writer(), clock);
  const exit = async (code: number) => {
    await Promise.all([out.drain(LAST_LINES_MS), error.drain(LAST_LINES_MS)]);
    exitNow(code);
  };
  // First of all, before the rest is even loaded: process 1 of a container ignores signals that nobody handles.
  const signal = stopOnSignals(process, exitNow);
  failOnUncaught(process, (line) => {
    error.write(line);
    return exit(1);
  });
  const { runCommandLine } = await import("./cli/command_line.ts");
  await exit(
    await runCommandLine({
      ...call,
      env: process.env,
      writeOut: (text) => out.write(text),
      writeError: (text) => error.write(text),
      signal,
      // Loaded only by the command that needs it, so that the others start at once.
      loadController: async () => (await import("./run.ts")).runController,
    }),
  );
}
