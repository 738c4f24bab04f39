/** The counters of the status (spec 1.2). */
import { isFinished, isReady } from "./job_facts.ts";
import { COUNTERS, jobRestartsAt } from "./job_set_facts.ts";
import type { Bench, Theme } from "./theme.ts";
import { isController, type JobSetRecord } from "./truth.ts";

export function countersTheme(bench: Bench): Theme {
  const { report, truth } = bench;
  return {
    onChange(change) {
      if (change.kind !== "jobSet" || change.after === undefined || change.write.subresource !== "status") return;
      if (!isController(change.write.user)) return;
      const { spec, status, name } = change.after;
      for (const { name: replicatedJob, replicas } of spec.replicatedJobs) {
        const counts = status.replicatedJobs.get(replicatedJob)?.counts;
        if (counts === undefined) continue;
        const isOver = counts.ready + counts.succeeded + counts.failed > replicas ||
          COUNTERS.some((counter) => !(counts[counter] >= 0 && counts[counter] <= replicas));
        if (isOver) report("counters", `${name}: ${JSON.stringify(counts)} of ${replicas} ${replicatedJob}`);
      }
    },
    atRest() {
      for (const record of truth.jobSets.values()) checkTrue(bench, record);
    },
  };
}

/** At rest they are what a count of the Jobs gives; of those that are gone nobody need know all. */
function checkTrue({ report, gates }: Bench, record: JobSetRecord): void {
  const { facts, isStored } = record;
  if (!isStored || facts.isDeleting || facts.isForeign || record.isReshaped) return;
  for (const { name } of facts.spec.replicatedJobs) {
    const told = facts.status.replicatedJobs.get(name)?.counts;
    const counted = { ready: 0, succeeded: 0, failed: 0, active: 0, suspended: 0 };
    for (const { facts: job } of record.jobs.values()) {
      if (job.replicatedJob !== name || job.attempt < facts.status.restarts) continue;
      if (gates.RestartJob && job.jobAttempt < jobRestartsAt(facts.status, name, job.index)) continue;
      if (job.phase === "complete") counted.succeeded += 1;
      if (job.phase === "failed") counted.failed += 1;
      if (isFinished(job.phase)) continue;
      if (isReady(job)) counted.ready += 1;
      if (job.active > 0) counted.active += 1;
      if (job.suspend) counted.suspended += 1;
    }
    const gone = [...record.succeeded.values()].filter((job) =>
      job.replicatedJob === name && !record.jobs.has(job.uid)
    ).length;
    const isTrue = told !== undefined && COUNTERS.every((counter) => {
      const over = told[counter] - counted[counter];
      return over === 0 || (counter === "succeeded" && over > 0 && over <= gone);
    });
    if (!isTrue) {
      report(
        "counters",
        `${facts.name}: ${name} has ${JSON.stringify(counted)}, the status says ${JSON.stringify(told)}`,
      );
    }
  }
}
