import { expect, test } from "bun:test";
import { seenJobSet } from "./seen_job_set.ts";

const SPEC = { failurePolicy: { restartStrategy: "InPlaceRestart" } };

test("attempts come from the status, absent ones stay absent", () => {
  expect(seenJobSet({ spec: SPEC })).toEqual({ isInPlace: true, previous: undefined, current: undefined });
  const status = { previousInPlaceRestartAttempt: 0, currentInPlaceRestartAttempt: 1 };
  expect(seenJobSet({ spec: SPEC, status })).toEqual({ isInPlace: true, previous: 0, current: 1 });
});

test("another strategy, or the annotation whatever its value, turns it off", () => {
  expect(seenJobSet({}).isInPlace).toBe(false);
  expect(seenJobSet({ spec: { failurePolicy: { restartStrategy: "Recreate" } } }).isInPlace).toBe(false);
  for (const value of ["true", "false", ""]) {
    const metadata = { annotations: { "jobset.sigs.k8s.io/disable-in-place-restart": value } };
    expect(seenJobSet({ metadata, spec: SPEC }).isInPlace).toBe(false);
  }
});
