/** What a controller knows never goes back in time, and was true when it was so (spec 3.11, design "Watch", 5). */
import type { Job } from "../../../src/api/job.ts";
import type { JobSet } from "../../../src/api/job_set.ts";
import type { CacheEntry } from "../../../src/cache/object_cache.ts";
import { asString, at } from "../../../src/base/json.ts";
import type { Knowledge, Learned } from "../types.ts";
import type { JobFacts } from "./job_facts.ts";
import type { JobSetFacts } from "./job_set_facts.ts";
import type { Bench, Theme } from "./theme.ts";
import type { Change } from "./truth.ts";

const INVARIANT = "caches";
/** So many versions are kept to compare with: what is told later than that is old indeed. */
const MAX_VERSIONS = 10_000;

/** What was stored under one resourceVersion. */
interface Version {
  readonly resource: string;
  readonly uid: string;
  /** Of a JobSet. */
  readonly jobSet?: JobSetFacts;
  /** Of a Job. */
  readonly job?: JobFacts;
}

/** The newest that one life has known under a name. */
interface Newest {
  readonly version: number;
  readonly uid: string;
  readonly isGone: boolean;
}

export function cachesTheme(bench: Bench): Theme {
  const versions = new Map<number, Version>();
  /** By life, resource and name. A life that has ended takes its own along. */
  const newest = new WeakMap<Knowledge, Record<Learned["resource"], Map<string, Newest>>>();
  return {
    onChange(change) {
      const { after, resource, resourceVersion } = change.write;
      if (after === undefined || resource === "pods" || resource === "events" || resource === "leases") return;
      versions.set(resourceVersion, versionOf(change));
      if (versions.size <= MAX_VERSIONS) return;
      for (const oldest of versions.keys()) {
        versions.delete(oldest);
        return;
      }
    },
    onLearn(learned) {
      const { knowledge, resource, change } = learned;
      const entry = change.kind === "delete" ? change.before : change.after;
      let names = newest.get(knowledge);
      if (names === undefined) {
        names = { jobsets: new Map(), jobs: new Map(), services: new Map() };
        newest.set(knowledge, names);
      }
      const known = names[resource];
      const key = `${entry.namespace}/${entry.name}`;
      const problem = orderProblem(bench, known.get(key), learned) ??
        (change.kind === "delete" ? lossProblem(bench, learned) : falsehood(versions, learned, entry));
      const { uid } = entry;
      known.set(key, { version: Number(entry.resourceVersion), uid, isGone: change.kind === "delete" });
      if (problem !== undefined) bench.report(INVARIANT, `${knowledge.process}: ${resource} ${key} ${problem}`);
    },
  };
}

function versionOf(change: Change): Version {
  const { resource, after } = change.write;
  const uid = asString(at(after, "metadata", "uid")) ?? "";
  if (change.kind === "job" && change.after !== undefined) return { resource, uid, job: change.after };
  if (change.kind === "jobSet" && change.after !== undefined) return { resource, uid, jobSet: change.after };
  return { resource, uid };
}

/** What is newer takes the place of what is older, and what is gone is gone. */
function orderProblem(bench: Bench, newest: Newest | undefined, { change }: Learned): string | undefined {
  const entry: CacheEntry = change.kind === "delete" ? change.before : change.after;
  const version = Number(entry.resourceVersion);
  if (change.kind === "delete") {
    return newest?.uid === entry.uid && newest.version === version && !newest.isGone
      ? undefined
      : `went at ${version}, and was not known so`;
  }
  if (newest === undefined) return undefined;
  const isBack = newest.isGone && newest.uid === entry.uid;
  // As it was, after a whole list that left it out.
  if (isBack && hasBrokenStreams(bench) && version === newest.version) return undefined;
  if (version <= newest.version) return `is known at ${version}, after it was at ${newest.version}`;
  return isBack && !hasBrokenStreams(bench) ? `of uid ${entry.uid} came back at ${version}` : undefined;
}

/** What such a stream leaves out of a whole list is missed, and may come back. */
function hasBrokenStreams({ view }: Bench): boolean {
  const { lostLine, swappedLine } = view.scenario.faults;
  return lostLine + swappedLine > 0;
}

/** A Job may also have lost its owner. */
function lossProblem(bench: Bench, { resource, change }: Learned): string | undefined {
  const { view, truth } = bench;
  if (hasBrokenStreams(bench)) return undefined;
  if (change.kind !== "delete" || !view.server.hasUid(change.before.uid)) return undefined;
  const job = truth.jobs.get(change.before.uid);
  if (resource === "jobs" && job !== undefined && job.facts.ownerUid !== change.before.ownerUid) return undefined;
  return "is taken for gone, and is stored";
}

function falsehood(
  versions: ReadonlyMap<number, Version>,
  { resource, change }: Learned,
  entry: CacheEntry,
): string | undefined {
  const version = Number(entry.resourceVersion);
  const stored = versions.get(version);
  if (stored === undefined) {
    for (const oldest of versions.keys()) {
      return version < oldest ? undefined : `is known at ${version}, which never was`;
    }
    return `is known at ${version}, which never was`;
  }
  if (stored.resource !== resource || stored.uid !== entry.uid) return `is known at ${version}, which was of another`;
  if (change.kind === "delete") return undefined;
  const isSame = resource === "jobs"
    ? stored.job !== undefined && isSameJob(change.after, stored.job)
    : resource === "jobsets"
    ? stored.jobSet !== undefined && isSameJobSet(change.after, stored.jobSet)
    : true;
  return isSame ? undefined : `is not what was stored at ${version}`;
}

function isSameJob(known: Job, stored: JobFacts): boolean {
  return known.name === stored.name && known.ownerUid === stored.ownerUid && known.isDeleting === stored.isDeleting &&
    (known.restartAttempt ?? 0) === stored.attempt && known.suspend === stored.suspend &&
    known.active === stored.active && known.ready === stored.ready && known.succeeded === stored.succeeded &&
    (known.phase.kind) === stored.phase;
}

function isSameJobSet(known: JobSet, { isDeleting, spec, status }: JobSetFacts): boolean {
  return known.isDeleting === isDeleting && known.suspend === spec.suspend &&
    known.status.restarts === status.restarts && known.status.restartsCountTowardsMax === status.counted &&
    known.status.terminalState === status.terminalState &&
    known.status.executionAttempts === status.executionAttempts &&
    known.ttlSecondsAfterFinished === spec.ttlSecondsAfterFinished &&
    known.status.conditions.length === status.conditions.length;
}
