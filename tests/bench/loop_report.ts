/** What the pairs of one size come to. */
import { type AuditEntry, countRequests } from "./audit_log.ts";
import { isCreatedJob, type Phase } from "./side.ts";
import { median, spread } from "./statistics.ts";

export interface Measured {
  readonly create: Phase;
  readonly restart: Phase;
}

/** Ours and the floor, one right after the other. */
export interface Pair {
  readonly ours: Measured;
  readonly floor: Measured;
}

export interface Ratio {
  /** The median of the pairs' ratios: what slows the machine for a while slows both halves of a pair. */
  readonly ratio: number;
  readonly ratios: readonly number[];
  /** Medians. */
  readonly oursMs: number;
  readonly floorMs: number;
  /** Pairs that other processes disturbed. */
  readonly leftOut: number;
  /** The most that other processes took of the machine in the pairs that count. */
  readonly foreignShare: number;
}

export interface Comparison {
  readonly jobs: number;
  readonly create: Ratio;
  readonly restart: Ratio;
  /** Our requests that were answered 409. */
  readonly conflicts: number;
  /** Jobs created beyond N, in all phases. */
  readonly extra: number;
  readonly faults: readonly string[];
}

const CONFLICT = 409;
/** A pair counts for a phase if other processes took no more than this share of the machine. */
const MOST_FOREIGN = 0.05;
/** Spec: N creates, N deletes, one Service, at most 3 status writes per phase. */
const MOST_STATUS_WRITES = 3;

/** Whether enough pairs were undisturbed, for both phases. */
export function hasEnough(pairs: readonly Pair[], wanted: number): boolean {
  return PHASES.every((phase) => pairs.filter((pair) => foreignShareOf(pair, phase) <= MOST_FOREIGN).length >= wanted);
}

export function summarise(jobs: number, pairs: readonly Pair[], wanted: number): Comparison {
  const phases = pairs.flatMap(({ ours }) => [ours.create, ours.restart]);
  return {
    jobs,
    create: compare(pairs, "create", wanted),
    restart: compare(pairs, "restart", wanted),
    conflicts: phases.flatMap(({ entries }) => entries).filter(({ code }) => code === CONFLICT).length,
    extra: phases.reduce((sum, phase) => sum + count(phase, isCreatedJob) - jobs, 0),
    faults: pairs.flatMap(({ ours }) => [
      ...faultsOf(ours.create, { what: `create ${jobs}`, jobs, deletes: 0, services: 1 }),
      ...faultsOf(ours.restart, { what: `restart ${jobs}`, jobs, deletes: jobs, services: 0 }),
    ]),
  };
}

/** The lines that tell of it; requests as medians of the pairs. */
export function report(comparison: Comparison, pairs: readonly Pair[], rssMb: number): readonly string[] {
  const { jobs, create, restart } = comparison;
  return [
    "",
    `N = ${jobs}`,
    ratioLine("create", create),
    ratioLine("restart", restart),
    ...(["create", "restart"] as const).flatMap((phase) => [
      `  ${phase} requests of ours: ${requestsLine(pairs.map(({ ours }) => ours[phase]))}`,
      `  ${phase} requests of floor: ${requestsLine(pairs.map(({ floor }) => floor[phase]))}`,
    ]),
    `  Jobs created per restart: ${pairs.map(({ ours }) => count(ours.restart, isCreatedJob)).join(", ")}`,
    `  CPU seconds (ours/floor): create ${cpuLine(pairs, "create")}, restart ${cpuLine(pairs, "restart")}`,
    `  RSS: ${rssMb.toFixed(0)} MB`,
  ];
}

const PHASES = ["create", "restart"] as const;

function foreignShareOf({ ours, floor }: Pair, phase: keyof Measured): number {
  return Math.max(ours[phase].foreignShare, floor[phase].foreignShare);
}

/** The pairs that were least disturbed: all that were not, and of the others only as many as are needed. */
function compare(pairs: readonly Pair[], phase: keyof Measured, wanted: number): Ratio {
  const sorted = [...pairs].sort((left, right) => foreignShareOf(left, phase) - foreignShareOf(right, phase));
  const calm = sorted.filter((pair, index) => index < wanted || foreignShareOf(pair, phase) <= MOST_FOREIGN);
  const ratios = calm.map(({ ours, floor }) => ours[phase].ms / floor[phase].ms);
  return {
    ratio: median(ratios),
    ratios,
    oursMs: median(calm.map(({ ours }) => ours[phase].ms)),
    floorMs: median(calm.map(({ floor }) => floor[phase].ms)),
    leftOut: pairs.length - calm.length,
    foreignShare: Math.max(...calm.map((pair) => foreignShareOf(pair, phase))),
  };
}

function ratioLine(what: string, { ratio, ratios, oursMs, floorMs, leftOut, foreignShare }: Ratio): string {
  return `  ${what}/floor: ${ratio.toFixed(2)} (${spread(ratios, 2)}); ours ${oursMs.toFixed(0)} ms, ` +
    `floor ${floorMs.toFixed(0)} ms; ${ratios.length} pairs, ${leftOut} disturbed ones left out; ` +
    `other processes took ${(foreignShare * 100).toFixed(0)} % at most`;
}

/** Of each kind of request the median over the runs, and the spread where they differ. */
function requestsLine(phases: readonly Phase[]): string {
  const counts = phases.map(({ entries }) => countRequests(entries));
  const kinds = [...new Set(counts.flatMap((count) => [...count.keys()]))].sort();
  return kinds.map((kind) => {
    const values = counts.map((count) => count.get(kind) ?? 0);
    const isSteady = values.every((value) => value === values[0]);
    return `${kind} × ${median(values)}${isSteady ? "" : ` (${spread(values, 0)})`}`;
  }).join(", ");
}

function cpuLine(pairs: readonly Pair[], phase: keyof Measured): string {
  const ours = median(pairs.map((pair) => pair.ours[phase].cpuSeconds));
  const floor = median(pairs.map((pair) => pair.floor[phase].cpuSeconds));
  return `${ours.toFixed(2)}/${floor.toFixed(2)}`;
}

interface Expected {
  readonly what: string;
  readonly jobs: number;
  readonly deletes: number;
  readonly services: number;
}

function faultsOf(phase: Phase, { what, jobs, deletes, services }: Expected): readonly string[] {
  const faults: string[] = [];
  const expect = (kind: string, found: number, isRight: boolean, wanted: string) => {
    if (!isRight) faults.push(`${what}: ${found} ${kind}, not ${wanted}`);
  };
  const creates = count(phase, ({ verb, resource }) => verb === "create" && resource === "jobs");
  expect("creates of Jobs", creates, creates === jobs, String(jobs));
  const removed = count(phase, ({ verb, resource }) => verb === "delete" && resource === "jobs");
  expect("deletes of Jobs", removed, removed === deletes, String(deletes));
  const made = count(phase, ({ verb, resource }) => verb === "create" && resource === "services");
  expect("creates of Services", made, made === services, String(services));
  const writes = count(phase, ({ resource }) => resource === "jobsets/status");
  expect("status writes", writes, writes <= MOST_STATUS_WRITES, `at most ${MOST_STATUS_WRITES}`);
  return faults;
}

function count({ entries }: Phase, fits: (entry: AuditEntry) => boolean): number {
  return entries.filter(fits).length;
}
