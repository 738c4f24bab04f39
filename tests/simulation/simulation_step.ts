import { join } from "node:path";
import { scriptCommand, type Step } from "../../scripts/steps.ts";

/** About a minute on two cores. */
const STEPS = 1_000_000;

/**
 * The simulation as a step of `npm test`: from the same seed each time, so that a failure is no chance. It gives way to whatever
 * runs beside it: its own time is not the machine's.
 */
export function simulationStep(): Step {
  const main = join(import.meta.dir, "main.ts");
  return {
    name: "simulation",
    command: ["nice", "-n", "19", ...scriptCommand(main, "--seed", "1", "--steps", String(STEPS))],
    isShown: true,
  };
}
