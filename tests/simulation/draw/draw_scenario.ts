import { seededRandom } from "../../../src/base/seeded_random.ts";
import { drawFaults } from "./draw_faults.ts";
import { drawWork } from "./draw_work.ts";
import type { Scenario } from "../types.ts";

/** What the run of a seed consists of. */
export function drawScenario(seed: number): Scenario {
  const random = seededRandom(seed);
  const work = drawWork(random);
  return { seed, ...work, ...drawFaults(random, work.calmAtMs) };
}
