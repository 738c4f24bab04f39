import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { ObjectCache } from "../cache/object_cache.ts";
import { ApiError } from "../client/api_error.ts";
import { type Caches, Watches } from "./watches.ts";

/** As an API server answers that does not know JobSets, or not yet. */
function unknown(): Promise<never> {
  return Promise.reject(new ApiError({ status: 404, reason: "NotFound", message: "no such resource" }));
}

test("a resource that is not served is waited for, from the moment on that the API server was there", async () => {
  const clock = new FakeClock();
  const log = { info: () => {}, error: () => {} };
  const client = { request: unknown, stream: unknown };
  const caches: Caches = { jobSets: new ObjectCache(), jobs: new ObjectCache(), services: new ObjectCache() };
  const watches = new Watches({ clock, log, client, random: { next: () => 0.5 } }, caches, undefined);
  await clock.advanceAndSettle(10_000); // waitForServer
  let problem = "";
  watches.start();
  watches.synced.catch((error: unknown) => void (problem = String(error)));
  await clock.advanceAndSettle(4_000);
  expect(problem).toBe("");
  await clock.advanceAndSettle(10_000);
  expect(problem).toContain(
    "watch JobSets: the API server does not know them (no such resource); apply the CRD first: jobset manifests",
  );
  watches.stop();
});
