/** What a controller holds is bounded by what there is (spec 7.6), and it says of nothing that an operator must act. */
import type { ProcessView, ResourceName } from "../types.ts";
import type { Bench, Theme } from "./theme.ts";

/** Sizes are looked at after so many steps: that is often enough to find what grows. */
const EVERY = 32;
/** The reconcilers' own limit and the client's, watches and the lease. */
const MAX_REQUESTS = 200;
/** For a process with no JobSet at all: watches, lease, checks of the CRD and the like. */
const BASE = 60;
const TIMERS_PER_JOB_SET = 8;

export function boundsTheme(bench: Bench): Theme {
  const { view, report } = bench;
  const most: Record<"jobsets" | "jobs" | "services", number> = { jobsets: 0, jobs: 0, services: 0 };
  let looks = 0;
  return {
    onChange({ write: { resource } }) {
      if (resource === "jobsets" || resource === "jobs" || resource === "services") {
        most[resource] = Math.max(most[resource], view.server.count(resource));
      }
    },
    afterStep() {
      for (const process of view.processes) {
        const [error] = process.errors;
        if (error !== undefined) report("no error", `${process.name}: ${error}`);
      }
      if (countLeaders(view.processes) > 1) report("one leader", "two may write at once");
      looks += 1;
      if (looks % EVERY !== 0) return;
      for (const process of view.processes) checkSizes(bench, process, most);
    },
    atRest() {
      const leaders = countLeaders(view.processes);
      if (leaders !== 1) report("one leader", `${leaders} lead at rest`);
      for (const process of view.processes) checkAtRest(bench, process);
    },
  };
}

function countLeaders(processes: readonly ProcessView[]): number {
  if (processes.length === 1) return processes[0]?.isLeading === true ? 1 : 0;
  return processes.filter(({ isLeading }) => isLeading).length;
}

/** A view may be behind, and hold what is gone: but never more than twice the most there ever was. */
function checkSizes(
  { report }: Bench,
  { name, sizes }: ProcessView,
  most: Readonly<Record<"jobsets" | "jobs" | "services", number>>,
): void {
  const bounds: Readonly<Record<keyof ProcessView["sizes"], number>> = {
    queue: 2 * most.jobsets + 10,
    jobSets: 2 * most.jobsets + 10,
    jobs: 2 * most.jobs + 10,
    services: 2 * most.services + 10,
    gone: 2 * (most.jobs + most.jobsets) + 10,
    timers: BASE + TIMERS_PER_JOB_SET * most.jobsets + 6 * most.jobs + 2 * MAX_REQUESTS,
    requests: MAX_REQUESTS,
  };
  for (const [what, bound] of Object.entries(bounds)) {
    const size = sizes[what as keyof typeof sizes];
    if (size > bound) report("bounded", `${name} has ${what}: ${size}, over ${bound}`);
  }
}

/** At rest it holds what is stored, and no more. */
function checkAtRest({ report, view, truth }: Bench, { name, sizes, isAlive }: ProcessView): void {
  if (!isAlive) return report("liveness", `${name} is not running at rest`);
  const stored = (resource: ResourceName) => view.server.count(resource);
  const jobs = [...truth.jobs.values()].filter(({ facts }) => facts.ownerUid !== undefined).length;
  const bounds: readonly (readonly [keyof ProcessView["sizes"], number, number])[] = [
    ["jobSets", stored("jobsets"), stored("jobsets")],
    ["jobs", jobs, jobs],
    ["services", stored("services"), stored("services")],
    ["gone", 0, 0],
    // The key of one that is gone may wait for a timer that finds nothing to do.
    ["queue", 0, view.scenario.jobSets.length],
    ["timers", 0, BASE + TIMERS_PER_JOB_SET * stored("jobsets")],
    ["requests", 0, 12],
  ];
  for (const [what, least, most] of bounds) {
    if (sizes[what] >= least && sizes[what] <= most) continue;
    report("bounded", `${name} has ${what}: ${sizes[what]} at rest, not between ${least} and ${most}`);
  }
}
