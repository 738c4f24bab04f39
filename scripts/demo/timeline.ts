/** How long a restart took, as an onlooker sees it through watches. Pure: times are handed in, in milliseconds. */
import { hasFailed, isReadyJob, type JobSetView, type JobView } from "./views.ts";

/** One restart. A mark is absent until its moment has come. */
export interface Restart {
  /** 1 for the first. */
  readonly number: number;
  /** The Job whose failure was seen first. */
  readonly cause: string;
  /** Such as `replicatedJob workers waits for driver to be Ready`. */
  readonly waits: readonly string[];
  readonly failureSeen: number;
  readonly counted?: number;
  readonly firstJobBack?: number;
  readonly allJobsBack?: number;
  readonly allReady?: number;
}

/** The restarts of one JobSet so far, in their order. */
export type Timeline = readonly Restart[];

/** The timeline after a look at the JobSet and its Jobs. */
export function advance(timeline: Timeline, seen: Sight): Timeline {
  const { jobSet, jobs, now } = seen;
  const failed = jobs.find((job) => job.attempt === jobSet.restarts && hasFailed(job));
  const isKnown = timeline.some(({ number }) => number === jobSet.restarts + 1);
  const begun = failed === undefined || isKnown
    ? timeline
    : [...timeline, { number: jobSet.restarts + 1, cause: failed.name, waits: waitsOf(jobSet), failureSeen: now }];
  return begun.map((restart) => mark(restart, seen));
}

function waitsOf({ groups }: JobSetView): readonly string[] {
  return groups.filter(({ waitsFor }) => waitsFor.length > 0)
    .map(({ name, waitsFor }) => `replicatedJob ${name} waits for ${waitsFor.join(" and ")}`);
}

interface Sight {
  readonly jobSet: JobSetView;
  readonly jobs: readonly JobView[];
  readonly now: number;
}

function mark(restart: Restart, { jobSet, jobs, now }: Sight): Restart {
  if (jobSet.restarts !== restart.number) return restart;
  const back = jobs.filter(({ attempt }) => attempt === restart.number);
  const wanted = jobSet.groups.reduce((sum, { replicas }) => sum + replicas, 0);
  const areAllBack = back.length >= wanted;
  const areAllReady = areAllBack && back.every(isReadyJob);
  return {
    ...restart,
    counted: restart.counted ?? now,
    ...(back.length === 0 ? {} : { firstJobBack: restart.firstJobBack ?? now }),
    ...(areAllBack ? { allJobsBack: restart.allJobsBack ?? now } : {}),
    ...(areAllReady ? { allReady: restart.allReady ?? now } : {}),
  };
}

/** A sentence for each moment of each restart; failures that led to no restart are left out. */
export function timelineLines(timeline: Timeline): readonly string[] {
  return timeline.filter(({ counted }) => counted !== undefined).flatMap((restart) => {
    const step = (at: number | undefined, what: string) =>
      at === undefined ? [] : [`  ${`+${seconds(at - restart.failureSeen)}`.padStart(8)}  ${what}`];
    const waits = restart.waits.length === 0 ? "" : ` (${restart.waits.join("; ")})`;
    return [
      `Restart ${restart.number}, from the moment that the failure of Job ${restart.cause} was seen:`,
      ...step(restart.counted, "restart counted in the JobSet's status"),
      ...step(restart.firstJobBack, "first Job recreated"),
      ...step(restart.allJobsBack, `all Jobs recreated${waits}`),
      ...step(restart.allReady, "all Jobs ready"),
    ];
  });
}

/** `0.42 s` */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
