/** What must hold once nothing goes wrong any more and the world has come to rest. */
import { asInteger } from "../../src/base/json.ts";
import { isFailing, isFinishedJob, type JobFacts } from "./facts.ts";
import type { Life } from "./life.ts";

/** What must become of a JobSet. */
export interface Goal {
  readonly end: "Completed" | "Failed" | "Running" | "Suspended" | "Gone" | "Foreign";
  readonly restarts?: number;
  /** How many Jobs of the current attempt there are at the end, where it is not the sum of replicas. */
  readonly jobs?: number;
}

/** What is not as it should be, in words; nothing where the goal is reached and all is consistent. */
export function restProblems(life: Life | undefined, goal: Goal, nowMs: number): readonly string[] {
  if (goal.end === "Gone") return isGoneOrDue(life, nowMs) ? [] : [`it is not gone: ${describeLife(life)}`];
  if (life === undefined) return ["it is not there"];
  if (goal.end === "Foreign") return life.jobs.size === 0 ? [] : ["it is foreign and has Jobs"];
  const problems = [...endProblems(life, goal), ...jobProblems(life, goal), ...counterProblems(life)];
  return problems.map((problem) => `${problem}: ${describeLife(life)}`);
}

/** A JobSet with a TTL stays until its time has come by the clock that its end was written by, which may have been ahead. */
function isGoneOrDue(life: Life | undefined, nowMs: number): boolean {
  if (life === undefined) return true;
  const { ttlSeconds, conditions } = life.facts;
  const end = ["Completed", "Failed"].map((type) => conditions[type]).find((each) => each?.status === "True");
  if (ttlSeconds === undefined || end === undefined) return false;
  return Date.parse(end.since) + ttlSeconds * 1000 > nowMs;
}

function endProblems({ facts }: Life, goal: Goal): readonly string[] {
  const problems: string[] = [];
  const isTerminal = goal.end === "Completed" || goal.end === "Failed";
  if (facts.terminalState !== (isTerminal ? goal.end : "")) problems.push(`it is not ${goal.end}`);
  if (goal.end === "Suspended" && facts.conditions["Suspended"]?.status !== "True") {
    problems.push("it is not Suspended");
  }
  if (goal.end === "Running" && facts.conditions["Suspended"]?.status === "True") problems.push("it is Suspended");
  if (goal.restarts !== undefined && facts.restarts !== goal.restarts) {
    problems.push(`it restarted ${facts.restarts} times, not ${goal.restarts}`);
  }
  if (facts.isDeleting) problems.push("it is being deleted");
  return problems;
}

function jobProblems({ facts, jobs }: Life, goal: Goal): readonly string[] {
  const problems: string[] = [];
  const all = [...jobs.values()];
  const current = all.filter(({ attempt }) => attempt === facts.restarts);
  if (current.length < all.length) problems.push(`${all.length - current.length} Jobs of another attempt are left`);
  const running = current.filter((job) => !isFinishedJob(job) && !isFailing(job));
  if (facts.terminalState !== "") {
    if (running.length > 0) problems.push(`${running.length} Jobs run on after its end`);
    return problems;
  }
  const wanted = goal.jobs ?? facts.replicatedJobs.reduce((sum, { replicas }) => sum + replicas, 0);
  if (current.length !== wanted) problems.push(`it has ${current.length} Jobs of ${wanted}`);
  if (current.some(({ isDeleting }) => isDeleting)) problems.push("a Job is being deleted");
  if (running.some(({ isSuspended }) => isSuspended !== facts.isSuspended)) problems.push("a Job's suspend differs");
  if (current.some((job) => job.conditions.includes("Failed"))) problems.push("a failed Job was not acted on");
  return problems;
}

/** Spec 1.2. */
function counterProblems({ facts, jobs }: Life): readonly string[] {
  const current = [...jobs.values()].filter(({ attempt }) => attempt === facts.restarts);
  return facts.replicatedJobs.flatMap(({ name }) => {
    const found = facts.counters.get(name);
    const wanted = countersOf(current.filter((job) => job.replicatedJob === name));
    const wrong = Object.entries(wanted).filter(([field, value]) => (asInteger(found?.[field]) ?? -1) !== value);
    return wrong.map(([field, value]) => `${name}: ${field} is ${String(found?.[field])}, not ${value}`);
  });
}

function countersOf(jobs: readonly JobFacts[]): Readonly<Record<string, number>> {
  const unfinished = jobs.filter((job) => !isFinishedJob(job));
  return {
    ready: unfinished.filter((job) => job.ready + job.succeeded >= job.wanted).length,
    active: unfinished.filter((job) => job.active > 0).length,
    suspended: unfinished.filter((job) => job.isSuspended).length,
    succeeded: jobs.filter((job) => job.conditions.includes("Complete")).length,
    failed: jobs.filter((job) => job.conditions.includes("Failed")).length,
  };
}

export function describeLife(life: Life | undefined): string {
  if (life === undefined) return "not there";
  const { facts, jobs } = life;
  const conditions = Object.entries(facts.conditions).map(([type, { status }]) => `${type}=${status}`).join(" ");
  const list = [...jobs.values()].map((job) => {
    const more = [job.isSuspended ? "suspended" : "", job.isDeleting ? "going" : "", ...job.conditions];
    return `${job.name}#${job.attempt}(${more.filter((word) => word !== "").join(" ")})`;
  });
  return `restarts ${facts.restarts} ${facts.terminalState} [${conditions}] ${list.join(" ")}`.slice(0, 1_000);
}
