/**
 * A suspension that no view showed, or only for a moment (spec 3.8, R34). Watches tell the newest state, not each one on the way: a JobSet
 * that was suspended, given another pod template and resumed between two looks seems to have run all the time, and its Jobs would go
 * on with the old one. So would a Job that was being set running while it was suspended. It is the memory of one leader: what passes
 * between two of them is not noticed.
 */
import type { Job } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import type { Named } from "../cache/name_table.ts";
import { positionOf, positionsOf } from "../plan/buckets.ts";
import { templateKeys } from "../plan/suspension.ts";
import type { Gates, InFlight } from "../plan/types.ts";

interface Seen {
  readonly generation: number;
  readonly templates: readonly string[];
}

interface Surroundings {
  readonly gates: Gates;
  /** Those of the JobSet, by their names. */
  readonly jobs: Named<Job>;
  readonly inFlight: InFlight;
  /** Names of Jobs that were looked at, and are not outdated. */
  readonly upToDate: Set<string>;
}

const NONE: ReadonlySet<never> = new Set();

export class MissedSuspension {
  /** The JobSet as it ran last. */
  #seen: Seen | undefined;
  /** Names of Jobs that run, or are being set running, with what the JobSet was before. */
  readonly #outdated = new Set<string>();
  /** The attempt of those. */
  #restarts = 0;

  /** Names of the Jobs that may run with an outdated pod template, as far as this look and those before it tell. */
  look(jobSet: JobSet, { gates, jobs, inFlight, upToDate }: Surroundings): ReadonlySet<string> {
    const changed = this.#changedTemplates(jobSet, gates);
    for (const name of upToDate) this.#outdated.delete(name);
    upToDate.clear();
    if (changed.size === 0 && this.#outdated.size === 0) return NONE;
    // What is made for another attempt is made of the JobSet as it is.
    if (jobSet.status.restarts !== this.#restarts) this.#outdated.clear();
    this.#restarts = jobSet.status.restarts;
    const positions = positionsOf(jobSet);
    for (const name of changed.size === 0 ? [] : [...jobs.keys(), ...inFlight.creates]) {
      const position = positionOf(jobSet, positions, name);
      if (position !== undefined && changed.has(position)) this.#outdated.add(name);
    }
    for (const name of this.#outdated) {
      const known = jobs.get(name);
      // The name may still be that of an older JobSet's Job.
      const job = known?.ownerUid === jobSet.uid ? known : undefined;
      if (!isRunning(job) && !isUnderWay(name, job, inFlight)) this.#outdated.delete(name);
    }
    return this.#outdated;
  }

  /** Positions of the replicatedJobs whose pod templates have changed as only those of a suspended JobSet may (spec 2.3). */
  #changedTemplates(jobSet: JobSet, gates: Gates): ReadonlySet<number> {
    const { generation, suspend } = jobSet;
    const seen = this.#seen;
    if (generation === undefined || suspend || generation === seen?.generation) return NONE;
    const templates = templateKeys(jobSet, gates);
    this.#seen = { generation, templates };
    // One update alone can't have suspended it: somebody edits it as it runs, and no admission is there to refuse that.
    if (seen === undefined || generation < seen.generation + 2) return NONE;
    return new Set(templates.keys().filter((position) => templates[position] !== seen.templates[position]));
  }
}

function isRunning(job: Job | undefined): boolean {
  return job?.suspend === false && !job.isDeleting && job.phase.kind === "active";
}

/** A request that may yet set it running with what it was made of: a create that waits for its answer makes no second one. */
function isUnderWay(name: string, job: Job | undefined, { creates, patches, resumes }: InFlight): boolean {
  return job === undefined ? creates.has(name) : patches.has(job.uid) || resumes.has(job.uid);
}
