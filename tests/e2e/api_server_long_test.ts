/** Acceptance: `kill -9` of the API server at random moments of restarts (R84). */
import { afterAll, beforeAll, test } from "bun:test";
import { killApiServerAtRandomMoments, type OwnEnvironment, startOwnEnvironment } from "./api_server_moments.ts";
import { seeded } from "./seeded.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 10 * 60_000;

let environment: OwnEnvironment;
beforeAll(async () => {
  environment = await startOwnEnvironment();
}, SETUP_TIMEOUT_MS);
afterAll(() => environment.stop(), SETUP_TIMEOUT_MS);

test(
  "kill -9 of the API server at ten random moments of restarts: each counted once, every Job made once (R84)",
  async () => {
    await killApiServerAtRandomMoments(environment, { moments: 10, random: seeded("API server killed ten times") });
  },
  TEST_TIMEOUT_MS,
);
