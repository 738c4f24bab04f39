import { join } from "node:path";
import { scriptCommand, type Step } from "../../scripts/steps.ts";

/** Chaos as a step of `npm test`: the shortest run that has every kind of trouble in it. */
export function chaosStep(): Step {
  const main = join(import.meta.dir, "main.ts");
  return { name: "chaos", command: scriptCommand(main, "--minutes", "3", "--seed", "1"), isShown: true };
}
