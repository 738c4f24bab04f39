import { expect, test } from "bun:test";
import { ApiError } from "../client/api_error.ts";
import type { KubeRequest } from "../client/kube_client.ts";
import { claimLookUps } from "./claim_look_ups.ts";

const NEVER = new AbortController().signal;

test("look-ups of all reviews together are bounded, and one that nobody waits for any more gives its place away", async () => {
  let running = 0;
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const getClaim = claimLookUps({
    request: ({ path, signal }: KubeRequest) => {
      asked.push(path);
      running += 1;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      signal?.addEventListener("abort", () => reject(signal.reason));
      answers.push(() => resolve({}));
      return promise.finally(() => running -= 1);
    },
  });
  const impatient = new AbortController();
  const given = Array.from({ length: 40 }, (_, index) => getClaim("ns", `given-${index}`, impatient.signal));
  const kept = Array.from({ length: 40 }, (_, index) => getClaim("ns", `kept-${index}`, NEVER));
  await settled();
  expect([running, asked.length]).toEqual([50, 50]);
  impatient.abort();
  await Promise.allSettled(given);
  await settled();
  expect([running, asked.length]).toEqual([40, 80]);
  for (const answer of answers) answer();
  expect(await Promise.all(kept)).toEqual(kept.map(() => ({ kind: "found", claim: {} })));
});

test("a claim is found, absent, or could not be looked up", async () => {
  const answers: Record<string, () => Promise<unknown>> = {
    there: () => Promise.resolve({ kind: "PersistentVolumeClaim" }),
    odd: () => Promise.resolve("text"),
    gone: () => Promise.reject(new ApiError({ status: 404, reason: "NotFound", message: "not found" })),
    hidden: () => Promise.reject(new ApiError({ status: 403, reason: "Forbidden", message: "may not" })),
  };
  const getClaim = claimLookUps({
    request: ({ path }: KubeRequest) =>
      answers[path.slice(path.lastIndexOf("/") + 1)]?.() ?? Promise.reject(new Error()),
  });
  expect(await getClaim("ns", "there", NEVER)).toEqual({ kind: "found", claim: { kind: "PersistentVolumeClaim" } });
  expect(await getClaim("ns", "gone", NEVER)).toEqual({ kind: "absent" });
  expect(await getClaim("ns", "hidden", NEVER)).toEqual({ kind: "error", message: "may not" });
  expect(await getClaim("ns", "odd", NEVER)).toEqual({ kind: "error", message: "the answer is no object" });
});

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
