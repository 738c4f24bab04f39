/** The same for longer, and with requests that are neither answered nor cut: each costs its 30 s. */
import { FAULTS, type Faults, surviveFaults } from "./random_faults.ts";
import { seeded } from "./seeded.ts";
import { soloSuite } from "./suite.ts";

const SILENCES: Faults = [
  [0.005, { silence: true }],
  [0.005, { silenceAfterBytes: 0 }],
];

soloSuite().test(
  "90 s of faults with silences among them: the right end for every JobSet, counted once (R10, R11)",
  async (cluster) => {
    const faults = [...FAULTS, ...SILENCES];
    await surviveFaults(cluster, { faults, forMs: 90_000, random: seeded("random faults and silences") });
  },
  8 * 60_000,
);
