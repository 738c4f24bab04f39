import type { Random } from "../../../src/base/random.ts";
import { between, chance, pick } from "../actors/chance.ts";
import { drawJobSet, type JobSetPlan } from "./draw_job_set.ts";
import { drawGates, drawOperations } from "./draw_operations.ts";
import { keepShapes } from "./keep_shapes.ts";
import type { JobSetPlay, Operation, Scenario } from "../types.ts";

export type Work = Pick<Scenario, "gates" | "hasWebhooks" | "jobSets" | "operations" | "calmAtMs">;

/** How long a run goes on before its calm, by its size. */
const SPANS_MS = { small: [6_000, 20_000], big: [15_000, 60_000], long: [50_000, 120_000] } as const;

/** What a seed gives the controllers to do: most runs are small and quick, some are big, few are long. */
export function drawWork(random: Random): Work {
  const size = pick(random, ["small", "small", "small", "big", "big", "long"]);
  const [low, high] = SPANS_MS[size];
  const spanMs = between(random, low, high);
  const gates = drawGates(random);
  const jobSets: JobSetPlay[] = [];
  const operations: Operation[] = [];
  const count = size === "small" ? pick(random, [1, 1, 2]) : between(random, 1, 4);
  for (let index = 0; index < count; index += 1) {
    const plan: JobSetPlan = {
      name: `js-${index}`,
      namespace: chance(random, 0.2) ? "other" : "ns",
      gates,
      isBig: size !== "small",
      isQueued: chance(random, 0.3),
    };
    const atMs = index === 0 ? between(random, 0, 200) : between(random, 0, Math.floor(spanMs / 2));
    const object = drawJobSet(random, plan);
    jobSets.push({ atMs, object });
    operations.push(...drawOperations(random, { object, plan, fromMs: atMs, toMs: spanMs }));
  }
  operations.sort((one, other) => one.atMs - other.atMs);
  const calmAtMs = spanMs + between(random, 500, 8_000);
  const hasWebhooks = chance(random, 0.75);
  return {
    gates,
    hasWebhooks,
    jobSets,
    operations: hasWebhooks ? operations : keepShapes(jobSets, operations),
    calmAtMs,
  };
}
