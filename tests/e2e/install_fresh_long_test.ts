/** Installations again and again, and one without its CRD. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { FreshInstallation, JOBSETS } from "./fresh_installation.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 90_000;

let fresh: FreshInstallation;
let environment: FreshInstallation["environment"];

beforeAll(async () => {
  fresh = await FreshInstallation.start();
  ({ environment } = fresh);
}, SETUP_TIMEOUT_MS);
afterEach(() => fresh.endReplicas(), SETUP_TIMEOUT_MS);
afterAll(() => fresh.stop(), SETUP_TIMEOUT_MS);

test("the first create after readyz succeeds, ten times over (R53)", async () => {
  const seen = await fresh.startFresh(10);
  expect(seen.map(({ answer }) => answer)).toEqual(seen.map(() => "created"));
  console.log(`fresh to ready: ${seen.map(({ readyMs }) => readyMs).join(", ")} ms`);
}, TEST_TIMEOUT_MS);

test("without the CRD: ends with 1 after one line that says what to apply (R61)", async () => {
  const { api } = environment;
  await api.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jobsets.jobset.x-k8s.io");
  await waitFor("the CRD to be gone", {
    timeoutMs: 15_000,
    check: async () => (await api.request("GET", JOBSETS)).code === 404,
  });
  const own = await fresh.replica();
  await own.launch();
  await waitFor("its end", { timeoutMs: 20_000, check: () => !own.isRunning(), describe: () => own.logTail() });
  expect(await own.terminate()).toBe(1);
  const said = own.logLines("").filter((line) => / ERROR |^error:|^panic/.test(line));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^error: watch JobSets: the API server does not know them .*; apply /);
}, TEST_TIMEOUT_MS);
