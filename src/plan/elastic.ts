/** Child Jobs follow the size of their template while they run (spec 3.2, step 9; gate ElasticJobSet). */
import { asInteger, at } from "../base/json.ts";
import type { Job } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import { positionOf, type Positions } from "./buckets.ts";
import type { Gates, InFlight, JobPatch } from "./types.ts";

/** The active Jobs whose size is not their template's, suspended ones too; each size is asked for once until it is due again. */
export function scaleJobs(
  { jobSet, active, positions, gates, inFlight }: {
    jobSet: JobSet;
    active: readonly Job[];
    positions: Positions;
    gates: Gates;
    inFlight: InFlight;
  },
): readonly JobPatch[] {
  if (!gates.ElasticJobSet) return [];
  const sizes = jobSet.replicatedJobs.map(({ template }) => sizeOf(template));
  const patches: JobPatch[] = [];
  for (const job of active) {
    const size = sizes[positionOf(jobSet, positions, job.name) ?? -1];
    if (size === undefined || (job.parallelism === size && job.completions === size)) continue;
    if (job.isDeleting || inFlight.patches.has(job.uid) || inFlight.scales.get(job.uid) === size) continue;
    patches.push({ name: job.name, uid: job.uid, change: { kind: "scale", size } });
  }
  return patches;
}

/** Of a template whose parallelism and completions are equal; with neither set the API server makes both 1. */
function sizeOf(template: unknown): number | undefined {
  const parallelism = at(template, "spec", "parallelism") ?? undefined;
  const completions = at(template, "spec", "completions") ?? undefined;
  if (parallelism !== completions) return undefined;
  return parallelism === undefined ? 1 : asInteger(parallelism);
}
