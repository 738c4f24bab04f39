import { expect, test } from "bun:test";
import { seeded } from "../../tests/e2e/seeded.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { systemClock } from "../base/clock.ts";
import { admissionRoutes } from "./routes.ts";
import { fuzzProblem, fuzzRequest } from "./test_fuzz.ts";

const REQUESTS = 5_000;
/** The promise is a second; a busy machine stops everybody now and then. */
const SLOWEST_MS = 1_000;

test("5,000 odd requests: each a valid answer or a 4xx within a second, and no rule threw", async () => {
  const random = seeded("admission fuzz");
  const errors: string[] = [];
  const log = {
    info: () => undefined,
    error: (message: string, fields?: object) => errors.push(JSON.stringify([message, fields])),
  };
  const app = admissionRoutes({
    gates: { ...DEFAULT_FEATURE_GATES, InPlaceRestart: true, ElasticJobSet: true, RestartJob: true },
    getClaim: () => Promise.resolve({ kind: "absent" }),
    podLookUps: { leaders: () => Promise.resolve([]), domain: () => Promise.resolve(undefined) },
    clock: systemClock(),
    log,
  });
  for (let n = 0; n < REQUESTS; n++) {
    const request = fuzzRequest(random);
    const { path, method, body, contentType } = request;
    const startedAt = performance.now();
    const answer = await app.request(path, { method, body, headers: { "content-type": contentType } });
    const problem = await fuzzProblem(request, answer);
    const tookMs = performance.now() - startedAt;
    if (problem === undefined && errors.length === 0 && tookMs < SLOWEST_MS) continue;
    const text = new TextDecoder().decode(body);
    throw new Error(`request ${n}: ${problem ?? errors[0] ?? `${tookMs} ms`}: ${method} ${path} ${text}`);
  }
  expect(errors).toEqual([]);
}, 60_000);
