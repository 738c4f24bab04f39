/** A process of its own that runs the seeds it is told, one after the other (see seed_processes.ts). */
import { asInteger, at } from "../../src/base/json.ts";
import { drawScenario } from "./draw/draw_scenario.ts";
import { judgedRun } from "./judged_run.ts";

process.on("message", async (message: unknown) => {
  const seed = asInteger(at(message, "seed")) ?? 0;
  const result = await judgedRun(drawScenario(seed), { hasCanary: at(message, "hasCanary") === true });
  process.send?.(result);
});
process.on("disconnect", () => process.exit(0));
