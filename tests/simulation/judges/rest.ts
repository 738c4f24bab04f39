/** Liveness: at rest every JobSet is what it should have become. */
import { isFailed, isFinished, type JobFacts } from "./job_facts.ts";
import { isTrue, jobRestartsAt, type JobSetFacts, terminalOf } from "./job_set_facts.ts";
import { decide } from "./outcomes.ts";
import { templateProblem } from "./templates.ts";
import type { Bench, Theme } from "./theme.ts";
import type { JobRecord, JobSetRecord, Moment } from "./truth.ts";

const INVARIANT = "liveness";
/** So long a request may be under way, its answer lost and its watch silent. */
const UNDER_WAY_MS = 60_000;

export function restTheme(bench: Bench): Theme {
  return {
    atRest() {
      for (const { facts } of bench.truth.jobs.values()) {
        const isOrphan = facts.ownerUid !== undefined && !bench.view.server.hasUid(facts.ownerUid);
        if (isOrphan) bench.report("no Job without its JobSet", `${facts.name} is left`);
      }
      for (const record of bench.truth.jobSets.values()) {
        const { facts, isStored } = record;
        if (!isStored || facts.isForeign || record.isReshaped) continue;
        if (facts.isDeleting) bench.report(INVARIANT, `${facts.name} is still being deleted`);
        else checkJobSet(bench, record);
      }
    },
  };
}

function checkJobSet(bench: Bench, record: JobSetRecord): void {
  const { report } = bench;
  const { facts } = record;
  const { name } = facts;
  const jobs = [...record.jobs.values()];
  const current = jobs.filter((job) => isCurrent(bench, facts, job.facts));
  const old = jobs.find((job) => !current.includes(job));
  if (old !== undefined) report(INVARIANT, `${old.facts.name}, of an older attempt, is left`);
  const deleting = jobs.find((job) => job.facts.isDeleting);
  if (deleting !== undefined) report(INVARIANT, `${deleting.facts.name} is still being deleted`);
  const open = current.filter(({ facts: { phase } }) => !isFinished(phase) && !isFailed(phase));
  if (terminalOf(facts.status) !== undefined) return checkFinished(bench, record, open);
  const outcome = decide(current.map(momentOf), facts, bench.gates);
  if (outcome !== undefined) report(INVARIANT, `${name}: ${JSON.stringify(outcome)} was never decided`);
  // The error of spec 3.3: nothing goes on until somebody changes the rule.
  if (current.some((job) => isFailed(job.facts.phase))) return;
  checkChildren(bench, record, current);
  if (facts.spec.suspend) return checkSuspended(bench, facts, open);
  const places = new Set(startable(record, current).map((replicatedJob) => replicatedJob.name));
  for (const job of open) {
    checkRunning(bench, record, { job, isStartable: places.has(job.facts.replicatedJob) });
  }
}

function isCurrent({ gates }: Bench, { status }: JobSetFacts, job: JobFacts): boolean {
  if (job.attempt < status.restarts) return false;
  return !gates.RestartJob || job.jobAttempt >= jobRestartsAt(status, job.replicatedJob, job.index);
}

function momentOf({ facts }: JobRecord): Moment {
  return { ...facts, isAnswer: false };
}

/** Spec 3.2, step 2, and 3.8. */
function checkFinished(
  { report, view, clockErrorMs }: Bench,
  { facts }: JobSetRecord,
  open: readonly JobRecord[],
): void {
  const [job] = open;
  if (job !== undefined) report(INVARIANT, `${job.facts.name} of the finished ${facts.name} is left`);
  const ttl = facts.spec.ttlSecondsAfterFinished;
  if (ttl === undefined) return;
  const endMs = Date.parse(terminalOf(facts.status)?.time ?? "") + ttl * 1000;
  if (view.now() - endMs > clockErrorMs + 2_000) report("time to live", `${facts.name} is still there`);
}

/** Spec 3.5, 3.7: all that may exist does. */
function checkChildren({ report, view }: Bench, record: JobSetRecord, current: readonly JobRecord[]): void {
  const { facts, succeeded } = record;
  const { spec, name, namespace } = facts;
  const { enableDNSHostnames, subdomain } = spec.network;
  if (enableDNSHostnames && view.server.get("services", { namespace, name: subdomain }) === undefined) {
    report(INVARIANT, `${name} has no Service`);
  }
  const names = new Set(current.map((job) => job.facts.name));
  for (const { name: replicatedJob, replicas } of startable(record, current)) {
    for (let index = 0; index < replicas; index++) {
      const job = `${name}-${replicatedJob}-${index}`;
      if (!names.has(job) && !succeeded.has(job)) report(INVARIANT, `${job} was never created`);
    }
  }
}

/** Spec 3.7, as things are now. */
function startable({ facts: { spec }, succeeded }: JobSetRecord, current: readonly JobRecord[]) {
  const count = (name: string, counts: (job: JobFacts) => boolean) => {
    const gone = [...succeeded.entries()].filter(([job, place]) => {
      return place.replicatedJob === name && !current.some(({ facts }) => facts.name === job);
    });
    return current.filter(({ facts }) => facts.replicatedJob === name && counts(facts)).length + gone.length;
  };
  const isStarted = (job: JobFacts) =>
    isFinished(job.phase) || job.ready + job.succeeded >= Math.min(job.parallelism, job.completions);
  const replicas = new Map(spec.replicatedJobs.map((job) => [job.name, job.replicas]));
  const reached = (dependency: { readonly name: string; readonly status: string }) => {
    const counts = dependency.status === "Complete" ? (job: JobFacts) => job.phase === "complete" : isStarted;
    return count(dependency.name, counts) === replicas.get(dependency.name);
  };
  const isInOrder = spec.startupPolicyOrder === "InOrder" && !spec.suspend;
  const waiting = isInOrder ? spec.replicatedJobs.findIndex((job) => count(job.name, isStarted) !== job.replicas) : -1;
  return spec.replicatedJobs.filter((job, position) => {
    return job.dependsOn.every(reached) && (waiting < 0 || position <= waiting);
  });
}

function checkSuspended({ report }: Bench, { name, status }: JobSetFacts, open: readonly JobRecord[]): void {
  const running = open.find(({ facts }) => !facts.suspend);
  if (running !== undefined) report("suspension", `${running.facts.name} runs at rest`);
  if (!isTrue(status, "Suspended")) report("suspension", `${name} has no condition Suspended at rest`);
}

function checkRunning(
  { report, gates, view }: Bench,
  record: JobSetRecord,
  { job: { facts, object, startedAtMs }, isStartable }: { readonly job: JobRecord; readonly isStartable: boolean },
): void {
  const { spec, status } = record.facts;
  // In order, those after the first that has not started stay as they are.
  if (facts.suspend && isStartable) report("suspension", `${facts.name} is suspended at rest`);
  // A run that no controller saw interrupted goes on as it began (spec 3.8: suspended Jobs are rebuilt, no others).
  // Nor does one that was being set running, where nobody guards that only suspended JobSets change, or remembers what was sent.
  const { hasWebhooks, controllers, incidents } = view.scenario;
  const isNoticed = hasWebhooks && controllers === 1 && incidents.length === 0;
  const underWayMs = isNoticed ? 0 : UNDER_WAY_MS;
  const isNew = startedAtMs >= record.templatesChangedAtMs + underWayMs;
  if (!facts.suspend && !record.isTemplateWild && isNew) {
    const problem = templateProblem({ jobSet: record.facts, job: facts, object, gates });
    if (problem !== undefined) report("templates", `${facts.name}: ${problem}`);
  }
  if (isTrue(status, "Suspended") && spec.startupPolicyOrder !== "InOrder") {
    report("suspension", `${record.facts.name} is Suspended at rest`);
  }
}
