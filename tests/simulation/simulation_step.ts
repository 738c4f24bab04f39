import { join } from "node:path";
import type { Step } from "../../scripts/steps.ts";

/** About a minute on two cores. */
const STEPS = 1_000_000;

/** The simulation as a step of `npm test`: from the same seed each time, so that a failure is no chance. */
export function simulationStep(): Step {
  const main = join(import.meta.dir, "main.ts");
  return {
    name: "simulation",
    command: [process.execPath, main, "--seed", "1", "--steps", String(STEPS)],
    isShown: true,
  };
}
