/** Acceptance: `kill -9` of the controller at twenty random moments of restarts (R84). */
import { killAtRandomMoments } from "./kill_moments.ts";
import { seeded } from "./seeded.ts";
import { soloSuite } from "./suite.ts";

const TIMEOUT_MS = 5 * 60_000;

soloSuite().test(
  "kill -9 at twenty random moments of restarts: each counted once, every Job made once (R84)",
  async (cluster, controller) => {
    await killAtRandomMoments({ cluster, controller, moments: 20, random: seeded("killed twenty times") });
  },
  TIMEOUT_MS,
);
