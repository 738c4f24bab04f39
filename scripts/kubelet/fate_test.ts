import { expect, test } from "bun:test";
import { durationMs, FATE_PREFIX, fateOf } from "./fate.ts";

interface PodParts {
  readonly fate?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

function pod({ fate = {}, labels = {}, annotations = {} }: PodParts) {
  const words = Object.fromEntries(Object.entries(fate).map(([word, value]) => [FATE_PREFIX + word, value]));
  return { metadata: { labels, annotations: { ...annotations, ...words } } };
}

test("a Pod without words runs for ever, ready at once", () => {
  expect(fateOf(pod({}))).toEqual({ startAfterMs: 0, readyAfterMs: 0, ending: undefined, stopAfterMs: 0 });
});

test("the words of the annotations are read", () => {
  const fate = { "start-after": "1s", "ready-after": "never", "succeed-after": "250ms", "stop-after": "1.5m" };
  expect(fateOf(pod({ fate }))).toEqual({
    startAfterMs: 1000,
    readyAfterMs: undefined,
    ending: { afterMs: 250, exitCode: 0, message: "" },
    stopAfterMs: 90_000,
  });
});

test("a failing Pod exits with 1, or as told", () => {
  expect(fateOf(pod({ fate: { "fail-after": "0s" } })).ending?.exitCode).toBe(1);
  const fate = { "fail-after": "1s", "exit-code": "3", "termination-message": "boom" };
  expect(fateOf(pod({ fate })).ending).toEqual({ afterMs: 1000, exitCode: 3, message: "boom" });
});

test("a Pod fails only at the restart attempts, job indexes and indexes of its filters, and else succeeds", () => {
  const fate = {
    "fail-after": "1s",
    "succeed-after": "2s",
    "fail-on-restart-attempt": "0, 2",
    "fail-job-index": "1",
    "fail-index": "0",
  };
  const codeAt = (attempt: string, job: string, index: string) =>
    fateOf(pod({
      fate,
      labels: { "jobset.sigs.k8s.io/restart-attempt": attempt, "jobset.sigs.k8s.io/job-index": job },
      annotations: { "batch.kubernetes.io/job-completion-index": index },
    })).ending?.exitCode;
  expect([codeAt("0", "1", "0"), codeAt("2", "1", "0")]).toEqual([1, 1]);
  expect([codeAt("1", "1", "0"), codeAt("0", "0", "0"), codeAt("0", "1", "1")]).toEqual([0, 0, 0]);
});

test("the first rule of a table that matches counts, and an annotation wins over it", () => {
  const table = [
    { labels: { app: "a", role: "driver" }, fate: { "succeed-after": "1s" } },
    { labels: { app: "a" }, fate: { "succeed-after": "2s", "stop-after": "3s" } },
  ];
  expect(fateOf(pod({ labels: { app: "a", role: "driver" } }), table).ending?.afterMs).toBe(1000);
  expect(fateOf(pod({ labels: { app: "b" } }), table).ending).toBeUndefined();
  const both = fateOf(pod({ labels: { app: "a" }, fate: { "succeed-after": "5s" } }), table);
  expect([both.ending?.afterMs, both.stopAfterMs]).toEqual([5000, 3000]);
  expect(fateOf(pod({}), () => ({ "succeed-after": "7s" })).ending?.afterMs).toBe(7000);
});

test("what cannot be read is refused with its name", () => {
  expect(() => fateOf(pod({ fate: { "stopafter": "1s" } }))).toThrow('"stopafter" is none of');
  expect(() => fateOf(pod({ fate: { "succeed-after": "soon" } }))).toThrow('"soon" is no duration');
  expect(() => fateOf(pod({ fate: { "fail-after": "1s", "exit-code": "0" } }))).toThrow('exit-code "0"');
  expect(() => durationMs("5")).toThrow();
});
