/**
 * What becomes of a Pod that no real container runs. Said by annotations of the Pod, each with the prefix
 * `fate.jobset-lite.dev/`, or, with the same words and no prefix, by a table of the kubelet. An annotation wins over the table.
 *
 * | word                      | value               | without it                                                    |
 * | ------------------------- | ------------------- | ------------------------------------------------------------- |
 * | `start-after`             | duration            | Running as soon as it is bound                                |
 * | `ready-after`             | duration or `never` | Ready as soon as it runs                                      |
 * | `succeed-after`           | duration            | runs for ever                                                 |
 * | `fail-after`              | duration            | does not fail                                                 |
 * | `exit-code`               | 1 to 255            | 1 when it fails                                               |
 * | `termination-message`     | text                | none                                                          |
 * | `fail-on-restart-attempt` | numbers, `0,2`      | fails at every value of the Pod's jobset restart-attempt      |
 * | `fail-job-index`          | numbers             | fails at every job-index                                      |
 * | `fail-index`              | numbers             | fails at every completion index                               |
 * | `stop-after`              | duration            | gone as soon as it is deleted; never later than its grace time |
 *
 * Durations are `250ms`, `2s`, `1.5m`, `1h`; all but `stop-after` and `start-after` count from the start of the containers. Where
 * a `fail-…` filter does not match, the Pod follows `succeed-after`. Changing the annotations of a running Pod changes its fate
 * at once; the times then count from the change, so `fail-after=0s` makes it fail now.
 */
import { asStringMap, at, type JsonObject } from "../../src/base/json.ts";

export const FATE_PREFIX = "fate.jobset-lite.dev/";

const WORDS = [
  "start-after",
  "ready-after",
  "succeed-after",
  "fail-after",
  "exit-code",
  "termination-message",
  "fail-on-restart-attempt",
  "fail-job-index",
  "fail-index",
  "stop-after",
] as const;
type Word = typeof WORDS[number];

/** A fate in words, as annotations and tables have it. */
export type FateWords = Readonly<Record<string, string>>;

/** The end that a container comes to by itself. */
export interface Ending {
  readonly afterMs: number;
  readonly exitCode: number;
  readonly message: string;
}

export interface Fate {
  readonly startAfterMs: number;
  /** undefined: never. */
  readonly readyAfterMs: number | undefined;
  /** undefined: it runs for ever. */
  readonly ending: Ending | undefined;
  readonly stopAfterMs: number;
}

/** A rule of a table: Pods with all of these labels get this fate. The first rule that matches wins. */
export interface FateRule {
  readonly labels: Readonly<Record<string, string>>;
  readonly fate: FateWords;
}

/** Fates from outside the Pods: rules, or a function. */
export type FateTable = readonly FateRule[] | ((pod: JsonObject) => FateWords | undefined);

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const RESTART_ATTEMPT = "jobset.sigs.k8s.io/restart-attempt";
const JOB_INDEX = "jobset.sigs.k8s.io/job-index";
const COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index";

/** The fate of a Pod. Throws where a word is unknown or its value cannot be read. */
export function fateOf(pod: JsonObject, table: FateTable = []): Fate {
  return readFate({ ...wordsOfTable(pod, table), ...wordsOfAnnotations(pod) }, pod);
}

function wordsOfTable(pod: JsonObject, table: FateTable): FateWords {
  if (typeof table === "function") return table(pod) ?? {};
  const labels = asStringMap(at(pod, "metadata", "labels"));
  const rule = table.find((r) => Object.entries(r.labels).every(([key, value]) => labels[key] === value));
  return rule?.fate ?? {};
}

function wordsOfAnnotations(pod: JsonObject): FateWords {
  const annotations = Object.entries(asStringMap(at(pod, "metadata", "annotations")));
  return Object.fromEntries(
    annotations.filter(([key]) => key.startsWith(FATE_PREFIX)).map(([key, value]) => [
      key.slice(FATE_PREFIX.length),
      value,
    ]),
  );
}

function readFate(words: FateWords, pod: JsonObject): Fate {
  const unknown = Object.keys(words).find((word) => !WORDS.some((known) => known === word));
  if (unknown !== undefined) throw new Error(`read the fate of a Pod: "${unknown}" is none of ${WORDS.join(", ")}`);
  const word = (name: Word) => words[name];
  const fails = word("fail-after") !== undefined && matches(pod, RESTART_ATTEMPT, word("fail-on-restart-attempt")) &&
    matches(pod, JOB_INDEX, word("fail-job-index")) && matches(pod, COMPLETION_INDEX, word("fail-index"));
  const endAfter = fails ? word("fail-after") : word("succeed-after");
  const ending = endAfter === undefined ? undefined : {
    afterMs: durationMs(endAfter),
    exitCode: fails ? readExitCode(word("exit-code") ?? "1") : 0,
    message: word("termination-message") ?? "",
  };
  const ready = word("ready-after") ?? "0s";
  return {
    startAfterMs: durationMs(word("start-after") ?? "0s"),
    readyAfterMs: ready === "never" ? undefined : durationMs(ready),
    ending,
    stopAfterMs: durationMs(word("stop-after") ?? "0s"),
  };
}

/** Whether the Pod's label or annotation is one of the listed numbers; no list matches all Pods. */
function matches(pod: JsonObject, key: string, list: string | undefined): boolean {
  if (list === undefined) return true;
  const value = asStringMap(at(pod, "metadata", "labels"))[key] ??
    asStringMap(at(pod, "metadata", "annotations"))[key];
  return list.split(",").some((entry) => entry.trim() === value);
}

/** Milliseconds of `250ms`, `2s`, `1.5m`, `1h` or `0`. */
export function durationMs(text: string): number {
  if (text === "0") return 0;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit ?? ""];
  if (amount === undefined || unitMs === undefined) {
    throw new Error(`read the fate of a Pod: "${text}" is no duration such as 250ms, 2s or 1m`);
  }
  return Number(amount) * unitMs;
}

function readExitCode(text: string): number {
  const code = Number(text);
  if (Number.isInteger(code) && code >= 1 && code <= 255) return code;
  throw new Error(`read the fate of a Pod: exit-code "${text}" is no number from 1 to 255`);
}
