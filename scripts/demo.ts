/**
 * `npm run demo`: a JobSet on a real Kubernetes control plane, from its creation over a failure and a restart to its end, with
 * the compiled controller. `npm run demo -- --help` tells the options.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createDisplay, type Display } from "./demo/display.ts";
import { FATES_FILE, readFates } from "./demo/fates.ts";
import { type JobSetFile, readJobSetFile } from "./demo/job_set_file.ts";
import { line, span } from "./demo/line.ts";
import { type DemoOptions, HELP, readOptions, UsageError } from "./demo/options.ts";
import { INTERRUPTED, perform } from "./demo/perform.ts";
import { setUpStage, type Stage } from "./demo/stage.ts";

const ROOT = join(import.meta.dir, "..");
const EXAMPLE = "examples/driver-and-workers.yaml";

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const file = openFile(options);
  const display = createDisplay(process.stdout, process.env);
  const interrupt = watchSignals(display);
  introduce(display, options);
  const stage = await setUp({ display, interrupt, options });
  if (stage === undefined) return INTERRUPTED;
  try {
    return await perform({ stage, display, file, options, interrupt });
  } finally {
    display.end();
    await stage.stop();
  }
}

/** The first signal ends the demo in order, a second one at once; what was started ends in any case. */
function watchSignals(display: Display): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      display.end();
      if (interrupt.signal.aborted) process.exit(INTERRUPTED);
      display.say("\nstopping everything");
      interrupt.abort();
    });
  }
  return interrupt.signal;
}

function openFile({ file }: DemoOptions): JobSetFile {
  if (file === "-") return readJobSetFile(readText("/dev/stdin", "standard input"), "standard input");
  // npm starts us in the checkout; INIT_CWD is where the user is.
  const path = file === undefined ? join(ROOT, EXAMPLE) : resolve(process.env["INIT_CWD"] ?? ".", file);
  const name = `"${file ?? EXAMPLE}"`;
  return readJobSetFile(readText(path, name), name);
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    const why = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : String(error);
    throw new UsageError(`read ${name}: ${why}`);
  }
}

function introduce(display: Display, { file }: DemoOptions): void {
  const what = file === undefined ? EXAMPLE : file === "-" ? "standard input" : file;
  display.say(line(span("jobset-lite demo", "strong"), `: ${what} on a Kubernetes control plane of its own.`));
  display.say("No container runs here: a small kubelet plays the Pods. What becomes of them stands in");
  display.say(`${FATES_FILE}. All else is real: API server, scheduler, Job controller, and ours.`);
  display.say("");
}

/** The stage, or undefined where Ctrl-C came first: what was started until then ends with this process. */
async function setUp({ display, interrupt, options }: {
  readonly display: Display;
  readonly interrupt: AbortSignal;
  readonly options: DemoOptions;
}): Promise<Stage | undefined> {
  let step = 0;
  const say = (text: string) => display.say(`${++step}/5 ${text}`);
  const interrupted = new Promise<undefined>((done) => {
    interrupt.addEventListener("abort", () => done(undefined), { once: true });
  });
  const setUp = setUpStage({
    fates: readFates(readFileSync(join(ROOT, FATES_FILE), "utf8")),
    featureGates: options.featureGates,
    step: say,
    report: (text) => display.say(line(span(`    ${text}`, "faint"))),
  });
  const stage = await Promise.race([setUp, interrupted]);
  if (stage === undefined) return undefined;
  say("kubectl apply");
  display.say("");
  return stage;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
