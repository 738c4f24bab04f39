/** Any request may be refused, late or unanswered: everything comes to its right end, counted once. */
import { FAULTS, surviveFaults } from "./random_faults.ts";
import { seeded } from "./seeded.ts";
import { soloSuite } from "./suite.ts";

soloSuite().test(
  "20 s of 409, 429, 500, 503, delays, cuts and lost answers: the right end for every JobSet, counted once (R10, R11)",
  async (cluster) => {
    await surviveFaults(cluster, { faults: FAULTS, forMs: 20_000, random: seeded("random faults") });
  },
  4 * 60_000,
);
