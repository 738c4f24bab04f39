import { expect, test } from "bun:test";
import { JOB_INDEX, JOB_RESTART_ATTEMPT, RESTART_ATTEMPT } from "../../../src/api/keys.ts";
import { readFate, readStartMs } from "./fate.ts";

function pod(annotations: object, labels: object = {}) {
  return { metadata: { annotations, labels } };
}

test("a Pod without a word of its fate runs on", () => {
  expect(readFate(pod({}))).toEqual({ kind: "run" });
  expect(readStartMs(pod({}))).toBe(0);
  expect(readStartMs(pod({ "sim/start": "never" }))).toBeUndefined();
});

test("the fate goes by the attempts of JobSet and Job together, the last one holding on", () => {
  const fates = { "sim/fate": "fail:5,fail:6:42,succeed:7" };
  const ofAttempt = (attempt: number, ofJob: number) =>
    readFate(pod(fates, { [RESTART_ATTEMPT]: String(attempt), [JOB_RESTART_ATTEMPT]: String(ofJob) }));
  expect(ofAttempt(0, 0)).toEqual({ kind: "fail", afterMs: 5, exitCode: 1 });
  expect(ofAttempt(0, 1)).toEqual({ kind: "fail", afterMs: 6, exitCode: 42 });
  expect(ofAttempt(1, 1)).toEqual({ kind: "succeed", afterMs: 7 });
  expect(ofAttempt(9, 0)).toEqual({ kind: "succeed", afterMs: 7 });
});

test("a fate for one job index wins over the one for all", () => {
  const fates = { "sim/fate": "run", "sim/fate-2": "succeed:9" };
  expect(readFate(pod(fates, { [JOB_INDEX]: "1" }))).toEqual({ kind: "run" });
  expect(readFate(pod(fates, { [JOB_INDEX]: "2" }))).toEqual({ kind: "succeed", afterMs: 9 });
});
