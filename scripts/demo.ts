/**
 * `npm run demo`: a JobSet on a real Kubernetes control plane, from its creation over a failure and a restart to its end, with
 * the compiled controller. `npm run demo -- --help` tells the options.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { asString, at, type JsonObject } from "../src/base/json.ts";
import { waitFor } from "./control_plane/wait.ts";
import { createDisplay, type Display } from "./demo/display.ts";
import { eventLines } from "./demo/event_list.ts";
import { FATES_FILE, readFates } from "./demo/fates.ts";
import { type JobSetFile, readJobSetFile } from "./demo/job_set_file.ts";
import { line, markOf, span } from "./demo/line.ts";
import { type DemoOptions, HELP, readOptions, UsageError } from "./demo/options.ts";
import { Play } from "./demo/play.ts";
import { setUpStage, type Stage } from "./demo/stage.ts";
import { timelineLines } from "./demo/timeline.ts";

const ROOT = join(import.meta.dir, "..");
const EXAMPLE = "examples/driver-and-workers.yaml";
const SETTLE_MS = 4_000;
const LOG_LINES = 5;
const INTERRUPTED = 130;

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
  const stage = await setUp(display);
  if (interrupt.signal.aborted) return await stage.stop().then(() => INTERRUPTED);
  try {
    return await perform({ stage, display, file, options, interrupt: interrupt.signal });
  } finally {
    display.end();
    display.say("stopping everything");
    await stage.stop();
  }
}

/** The first signal ends the demo in order, a second one at once; what was started ends in any case. */
function watchSignals(display: Display): AbortController {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) {
        display.end();
        process.exit(INTERRUPTED);
      }
      interrupt.abort();
    });
  }
  return interrupt;
}

function openFile({ file }: DemoOptions): JobSetFile {
  const name = file === undefined ? EXAMPLE : file === "-" ? "standard input" : `"${file}"`;
  // npm starts us in the checkout; INIT_CWD is where the user is.
  const path = file === undefined
    ? join(ROOT, EXAMPLE)
    : join(file.startsWith("/") ? "" : process.env["INIT_CWD"] ?? "", file);
  return readJobSetFile(readText(file === "-" ? "/dev/stdin" : path, name), name);
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new UsageError(`read ${name}: ${isMissing ? "there is no such file" : String(error)}`);
  }
}

function introduce(display: Display, { file }: DemoOptions): void {
  display.say(
    line(span("jobset-lite demo", "strong"), `: ${file ?? EXAMPLE} on a Kubernetes control plane of its own`),
  );
  display.say("No container runs here: a small kubelet plays the Pods. What becomes of them stands in");
  display.say(`${FATES_FILE}. All else is real: API server, scheduler, Job controller, and ours.`);
  display.say("");
}

async function setUp(display: Display): Promise<Stage> {
  let step = 0;
  const stage = await setUpStage({
    fates: readFates(readFileSync(join(ROOT, FATES_FILE), "utf8")),
    step: (text) => display.say(`${++step}/5 ${text}`),
    report: (text) => display.say(line(span(`    ${text}`, "faint"))),
  });
  display.say(`${++step}/5 kubectl apply`);
  display.say("");
  return stage;
}

interface Performance {
  readonly stage: Stage;
  readonly display: Display;
  readonly file: JobSetFile;
  readonly options: DemoOptions;
  readonly interrupt: AbortSignal;
}

async function perform({ stage, display, file, options, interrupt }: Performance): Promise<number> {
  const { api } = stage.controlPlane;
  const zero = Date.now();
  const play = new Play({ api, display, keys: file.keys });
  try {
    await applyFile(stage, file);
    await waitForEnd({ stage, play, interrupt, timeoutMs: options.timeoutMs });
    if (!interrupt.aborted) await waitUntilQuiet(stage, play);
    play.stopClock();
    display.settle();
    await showEvents(stage, display, zero);
    const code = showEnd(play, display, { file, options, isInterrupted: interrupt.aborted });
    if (options.keep && !interrupt.aborted) await keep(stage, display, interrupt);
    return code;
  } finally {
    await play.stop();
  }
}

async function applyFile(stage: Stage, file: JobSetFile): Promise<void> {
  for (const namespace of file.namespaces) await stage.controlPlane.mustKubectl(["create", "namespace", namespace]);
  const { code, stderr } = await stage.controlPlane.kubectl(["apply", "-f", "-"], { stdin: file.text });
  if (code === 0) return;
  throw new UsageError(`kubectl apply: ${stderr.trim().split(/\s*\n\s*/).join("; ")}`);
}

interface EndOptions {
  readonly stage: Stage;
  readonly play: Play;
  readonly interrupt: AbortSignal;
  readonly timeoutMs: number;
}

/** Until all JobSets have ended, the time is over, or a signal came. */
async function waitForEnd({ stage, play, interrupt, timeoutMs }: EndOptions): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  await waitFor("the end", {
    timeoutMs: timeoutMs * 2,
    check() {
      if (!stage.controller.isRunning()) {
        throw new Error(`the controller has ended; its last words:\n${stage.controller.lastLines(LOG_LINES)}`);
      }
      return play.hasEnded || interrupt.aborted || performance.now() > deadline;
    },
  });
}

/** What follows an end: other Jobs are deleted, Events are written. Not waited for very long. */
async function waitUntilQuiet(stage: Stage, play: Play): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  await waitFor("the end of the end", {
    timeoutMs: SETTLE_MS * 2,
    async check() {
      if (performance.now() > deadline) return true;
      return play.isSettled && await haveEvents(stage, play.ends.keys());
    },
  });
}

/** Whether each of these JobSets has the Event of its end. */
async function haveEvents(stage: Stage, keys: Iterable<string>): Promise<boolean> {
  const told = new Set((await listEvents(stage)).filter(isOfEnd).map(subjectOf));
  return [...keys].every((key) => told.has(key));
}

function isOfEnd(event: JsonObject): boolean {
  const note = asString(event["note"]) ?? "";
  return event["reason"] === "AllJobsCompleted" || event["reason"] === "FailedJobs" ||
    event["reason"] === "ReachedMaxRestarts" || note.startsWith("applying FailJobSet");
}

function subjectOf(event: JsonObject): string {
  return `${asString(at(event, "regarding", "namespace"))}/${asString(at(event, "regarding", "name"))}`;
}

function listEvents(stage: Stage): Promise<readonly JsonObject[]> {
  return stage.controlPlane.api.list("/apis/events.k8s.io/v1/events");
}

async function showEvents(stage: Stage, display: Display, zero: number): Promise<void> {
  display.say("");
  display.say(line(span("Events of the JobSet", "strong"), " (kubectl get events.events.k8s.io)"));
  for (const entry of eventLines(await listEvents(stage), zero)) display.say(entry);
}

interface EndReport {
  readonly file: JobSetFile;
  readonly options: DemoOptions;
  readonly isInterrupted: boolean;
}

/** Says how it ended; the exit code. */
function showEnd(play: Play, display: Display, { file, options, isInterrupted }: EndReport): number {
  display.say("");
  for (const timeline of play.timelines.values()) {
    for (const text of timelineLines(timeline)) display.say(text);
  }
  for (const key of file.keys) {
    const state = play.ends.get(key);
    const after = (play.elapsedMs / 1000).toFixed(0);
    const end = state === undefined ? `not ended after ${after} s` : `ended ${state}`;
    display.say(line(`JobSet ${key} `, span(end, markOf(state ?? "Error"))));
  }
  if (isInterrupted) return INTERRUPTED;
  const states = file.keys.map((key) => play.ends.get(key));
  const isGood = options.file === undefined
    ? states.every((state) => state === "Completed")
    : states.every((state) => state !== undefined);
  return isGood ? 0 : 1;
}

async function keep(stage: Stage, display: Display, interrupt: AbortSignal): Promise<void> {
  display.say("");
  display.say("Everything goes on running, the controller too. In another terminal:");
  display.say(line(span(`  export KUBECONFIG=${stage.controlPlane.kubeconfigFile}`, "strong")));
  if (Bun.which("kubectl") === null) display.say(`  alias kubectl=${stage.controlPlane.binaries.kubectl}`);
  display.say("  kubectl get jobsets,jobs,pods");
  display.say("What changes is shown here. Ctrl-C stops everything and removes it.");
  if (!interrupt.aborted) await new Promise((resolve) => interrupt.addEventListener("abort", resolve, { once: true }));
}

try {
  process.exit(await main());
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
