/** The play on a stage that is set up: apply, watch until the end, then tell what happened. */
import { waitFor } from "../control_plane/wait.ts";
import type { Display } from "./display.ts";
import { eventLines, hasEvent } from "./event_list.ts";
import type { JobSetFile } from "./job_set_file.ts";
import { line, markOf, span } from "./line.ts";
import { type DemoOptions, UsageError } from "./options.ts";
import { Play } from "./play.ts";
import type { Stage } from "./stage.ts";
import { timelineLines } from "./timeline.ts";

export interface PerformOptions {
  readonly stage: Stage;
  readonly display: Display;
  readonly file: JobSetFile;
  readonly options: DemoOptions;
  /** Aborts at Ctrl-C. */
  readonly interrupt: AbortSignal;
}

/** As a shell has it for Ctrl-C. */
export const INTERRUPTED = 130;
const EVENTS = "/apis/events.k8s.io/v1/events";
const SETTLE_MS = 4_000;
const LOG_LINES = 5;

/** The exit code. */
export async function perform(performance: PerformOptions): Promise<number> {
  const { stage, display, file, options, interrupt } = performance;
  const play = new Play({ api: stage.controlPlane.api, display, keys: file.keys });
  try {
    await applyFile(stage, file);
    await waitForEnd(performance, play);
    if (interrupt.aborted) return INTERRUPTED;
    await waitUntilQuiet(stage, play);
    play.stopClock();
    display.settle();
    await showEvents(performance, play.zero);
    showRestarts(display, play);
    const code = showEnd(performance, play);
    if (options.keep) await keep(performance);
    return code;
  } finally {
    await play.stop();
  }
}

async function applyFile({ controlPlane }: Stage, file: JobSetFile): Promise<void> {
  for (const namespace of file.namespaces) await controlPlane.mustKubectl(["create", "namespace", namespace]);
  const { code, stderr } = await controlPlane.kubectl(["apply", "-f", "-"], { stdin: file.text });
  if (code === 0) return;
  throw new UsageError(`kubectl apply: ${stderr.trim().split(/\s*\n\s*/).join("; ").replaceAll(":;", ":")}`);
}

/** Until all JobSets have ended, the time is over, or Ctrl-C. */
async function waitForEnd({ stage, options, interrupt }: PerformOptions, play: Play): Promise<void> {
  const { controller } = stage;
  const deadline = performance.now() + options.timeoutMs;
  await waitFor("the JobSets to end", {
    timeoutMs: options.timeoutMs * 2,
    check() {
      if (!controller.isRunning()) {
        throw new Error(`the controller has ended; its last words:\n${controller.lastLines(LOG_LINES)}`);
      }
      return play.hasEnded || interrupt.aborted || performance.now() > deadline;
    },
  });
}

/** What an end sets off: other Jobs are deleted, Events are written. Not waited for very long. */
async function waitUntilQuiet(stage: Stage, play: Play): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  await waitFor("everything to settle", {
    timeoutMs: SETTLE_MS * 2,
    async check() {
      if (performance.now() > deadline) return true;
      if (!play.isSettled) return false;
      const events = await stage.controlPlane.api.list(EVENTS);
      return [...play.ends].every(([key, { reason }]) => hasEvent(events, key, reason));
    },
  });
}

async function showEvents({ stage, display, file }: PerformOptions, zero: number): Promise<void> {
  const events = eventLines(await stage.controlPlane.api.list(EVENTS), zero);
  display.say("");
  display.say(line(span(`Events of the JobSet${file.keys.length > 1 ? "s" : ""}`, "strong"), " (events.k8s.io)"));
  for (const entry of events) display.say(entry);
  display.say("");
}

function showRestarts(display: Display, play: Play): void {
  const lines = [...play.timelines.values()].flatMap(timelineLines);
  if (lines.length === 0) return;
  for (const text of lines) display.say(text);
  display.say(
    line(span("  The Pods' start is in these times, and the Job controller, which counts once a second.", "faint")),
  );
  display.say("");
}

/** Says how it ended; the exit code. */
function showEnd({ display, file, options }: PerformOptions, play: Play): number {
  for (const key of file.keys) {
    const end = play.ends.get(key);
    const text = end === undefined ? `has not ended within ${options.timeoutMs / 1000} s` : `ended ${end.state}`;
    const message = end === undefined ? `: it is ${play.stateOf(key)}` : `: ${end.message}`;
    display.say(line(`JobSet ${key} `, span(text, markOf(end?.state ?? "Failed")), message));
  }
  const states = file.keys.map((key) => play.ends.get(key)?.state);
  const isGood = options.file === undefined
    ? states.every((state) => state === "Completed")
    : states.every((state) => state !== undefined);
  return isGood ? 0 : 1;
}

/** Until Ctrl-C. */
async function keep({ stage, display, interrupt }: PerformOptions): Promise<void> {
  const { controlPlane } = stage;
  display.say("");
  display.say("Everything goes on running, the controller too. To play on, in another terminal:");
  display.say(line(span(`  export KUBECONFIG=${controlPlane.kubeconfigFile}`, "strong")));
  if (Bun.which("kubectl") === null) {
    display.say(line(span(`  alias kubectl=${controlPlane.binaries.kubectl}`, "strong")));
  }
  display.say(line(span("  kubectl get jobsets,jobs,pods", "strong")));
  display.say("What changes is shown here. Ctrl-C stops everything and removes it.");
  display.say("");
  if (interrupt.aborted) return;
  await new Promise((resolve) => interrupt.addEventListener("abort", resolve, { once: true }));
}
