/**
 * What becomes of a Pod, as annotations of its template tell:
 * - `sim/fate`: one fate per restart attempt, split by commas, the last for all that follow. `run`, `succeed:MS`, `fail:MS` or
 *   `fail:MS:EXITCODE`; the time counts from when the Pod runs. `sim/fate-2` is for the Job of index 2 alone.
 * - `sim/start`: milliseconds from running to ready; `never` for a Pod that does not become ready.
 * - `sim/stop`: milliseconds that it takes to stop when it is deleted, or its grace period where that is shorter.
 */
import { asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import { JOB_INDEX, JOB_RESTART_ATTEMPT, RESTART_ATTEMPT } from "../../../src/api/keys.ts";
import { metadataOf } from "./objects.ts";

export const FATE = "sim/fate";
export const START = "sim/start";
export const STOP = "sim/stop";

export type Fate =
  | { readonly kind: "run" }
  | { readonly kind: "succeed"; readonly afterMs: number }
  | { readonly kind: "fail"; readonly afterMs: number; readonly exitCode: number };

const RUN: Fate = { kind: "run" };

export function fateForJobIndex(index: number): string {
  return `${FATE}-${index}`;
}

export function readFate(pod: JsonObject): Fate {
  const metadata = metadataOf(pod);
  const labels = asObject(metadata["labels"]);
  const annotations = asObject(metadata["annotations"]);
  const index = asString(labels?.[JOB_INDEX]);
  const text = asString(annotations?.[`${FATE}-${index}`]) ?? asString(annotations?.[FATE]);
  if (text === undefined) return RUN;
  const attempt = count(labels?.[RESTART_ATTEMPT]) + count(labels?.[JOB_RESTART_ATTEMPT]);
  const fates = text.split(",");
  return parseFate(fates[Math.min(attempt, fates.length - 1)] ?? "run");
}

/** The time from running to ready; undefined for never. */
export function readStartMs(pod: JsonObject): number | undefined {
  const text = asString(asObject(metadataOf(pod)["annotations"])?.[START]);
  return text === "never" ? undefined : count(text);
}

export function readStopMs(pod: JsonObject): number {
  return count(asObject(metadataOf(pod)["annotations"])?.[STOP]);
}

function parseFate(text: string): Fate {
  const [kind, after, exitCode] = text.split(":");
  if (kind === "succeed") return { kind, afterMs: count(after) };
  if (kind === "fail") return { kind, afterMs: count(after), exitCode: exitCode === undefined ? 1 : count(exitCode) };
  return RUN;
}

function count(value: unknown): number {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : 0;
}
