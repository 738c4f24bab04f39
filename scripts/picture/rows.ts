/** Rows of a picture, from the lives of Jobs and Pods. Pure. */
import type { JobLife } from "./job_life.ts";
import type { Bar, Mark, Row, Tone } from "./picture.ts";
import type { ContainerRun, PodLife } from "./pod_life.ts";

/** A row for each name of a Job: each object of that name is a run of bars, which says its attempt. */
export function jobRows(jobs: readonly JobLife[], endMs: number): readonly Row[] {
  return [...Map.groupBy(jobs, ({ name }) => name)].map(([label, lives]) => ({
    label,
    bars: lives.flatMap((life) => jobBars(life, endMs)),
    marks: lives.flatMap((life): readonly Mark[] => [
      ...(life.failedMs === undefined ? [] : [{ atMs: life.failedMs, kind: "failure" as const }]),
    ]),
  })).sort((a, b) => a.label < b.label ? -1 : 1);
}

function jobBars(life: JobLife, endMs: number): readonly Bar[] {
  const goneMs = life.goneMs ?? endMs;
  const overMs = Math.min(
    ...[life.failedMs, life.completedMs, life.deletedMs, goneMs].filter((ms) => ms !== undefined),
  );
  const readyMs = Math.min(life.readyMs ?? overMs, overMs);
  const text = life.jobAttempt === 0 ? `attempt ${life.attempt}` : `attempt ${life.attempt} (own ${life.jobAttempt})`;
  return [
    bar(life.createdMs, readyMs, "starting"),
    { ...bar(readyMs, overMs, "running"), text },
    bar(overMs, goneMs, life.completedMs === undefined ? "ending" : "running"),
  ].filter(({ fromMs, toMs }) => toMs > fromMs);
}

/** Exit codes above are 128 and the number of a signal. */
const SIGNALLED = 128;

export interface PodRowOptions {
  readonly label: (pod: PodLife) => string;
  /** How a Pod that is ready is drawn, and with which words. */
  readonly tone: (pod: PodLife) => Tone;
  readonly text?: (pod: PodLife) => string;
  readonly endMs: number;
}

/** A row for each label, in the order in which the labels first come. */
export function podRows(pods: readonly PodLife[], options: PodRowOptions): readonly Row[] {
  return [...Map.groupBy(pods, options.label)].map(([label, lives]) => ({
    label,
    bars: lives.flatMap((pod) => podBars(pod, options)),
    marks: lives.flatMap(podMarks),
  }));
}

function podBars(pod: PodLife, { tone, text, endMs }: PodRowOptions): readonly Bar[] {
  const goneMs = pod.goneMs ?? endMs;
  const boundMs = pod.scheduledMs ?? Math.min(pod.deletedMs ?? goneMs, goneMs);
  const firstMs = pod.runs[0]?.fromMs ?? pod.deletedMs ?? goneMs;
  const words = text?.(pod);
  const deletedMs = pod.deletedMs ?? goneMs;
  return joined([
    bar(pod.createdMs, boundMs, "waiting"),
    bar(boundMs, firstMs, "starting"),
    ...pod.runs.flatMap((run, index) => [
      bar(pod.runs[index - 1]?.toMs ?? run.fromMs, run.fromMs, "starting"),
      ...runBars(run, { endMs: deletedMs, tone: tone(pod), words }),
    ]),
    ...(pod.deletedMs === undefined ? [] : [bar(pod.deletedMs, goneMs, "ending")]),
  ]);
}

/** Without empty ones; what goes on from bar to bar in one tone is one bar. */
function joined(bars: readonly Bar[]): readonly Bar[] {
  const result: Bar[] = [];
  for (const next of bars.filter(({ fromMs, toMs }) => toMs > fromMs)) {
    const last = result.at(-1);
    const goesOn = last?.tone === next.tone && last.toMs === next.fromMs && last.text === next.text;
    if (last !== undefined && goesOn) result[result.length - 1] = { ...next, fromMs: last.fromMs };
    else result.push(next);
  }
  return result;
}

function runBars(
  { fromMs, readyMs, toMs }: ContainerRun,
  { endMs, tone, words }: { readonly endMs: number; readonly tone: Tone; readonly words: string | undefined },
): readonly Bar[] {
  const overMs = Math.min(toMs ?? endMs, endMs);
  const upMs = Math.min(readyMs ?? overMs, overMs);
  const up = bar(upMs, overMs, tone);
  return [bar(fromMs, upMs, "starting"), words === undefined ? up : { ...up, text: words }];
}

/** Where its container failed by itself; one that a signal ended was told to. */
function podMarks({ runs }: PodLife): readonly Mark[] {
  const failures = runs.filter(({ exitCode = 0 }) => exitCode > 0 && exitCode <= SIGNALLED);
  return failures.map(({ toMs = 0 }) => ({ atMs: toMs, kind: "failure" }));
}

function bar(fromMs: number, toMs: number, tone: Tone): Bar {
  return { fromMs, toMs, tone };
}
