/** The live picture: every JobSet with its conditions, its Jobs and their Pods. Pure. */
import {
  jobSetState,
  type JobSetView,
  jobState,
  type JobView,
  podState,
  type PodView,
  type Snapshot,
} from "./views.ts";
import { type Line, line, markOf, span } from "./line.ts";

interface Branch {
  readonly label: Line;
  readonly children: readonly Branch[];
}

/** The tree in at most `maxLines` lines: first the Pods of a Job are drawn together, then the end is cut. */
export function treeLines(snapshot: Snapshot, maxLines = Number.POSITIVE_INFINITY): readonly Line[] {
  const whole = snapshot.jobSets.flatMap((jobSet) => jobSetLines(jobSet, snapshot, false));
  if (whole.length <= maxLines) return whole;
  const brief = snapshot.jobSets.flatMap((jobSet) => jobSetLines(jobSet, snapshot, true));
  if (brief.length <= maxLines) return brief;
  const kept = brief.slice(0, Math.max(0, maxLines - 1));
  return [...kept, line(span(`… and ${brief.length - kept.length} lines more`, "faint"))];
}

function jobSetLines(jobSet: JobSetView, snapshot: Snapshot, isBrief: boolean): readonly Line[] {
  const state = jobSetState(jobSet);
  const title = line(
    "JobSet ",
    span(`${jobSet.namespace}/${jobSet.name}`, "strong"),
    "  ",
    span(state, markOf(state)),
    `, restarts ${jobSet.restarts} of at most ${jobSet.maxRestarts}`,
  );
  const conditions = jobSet.conditions.map(({ type, status, reason }) =>
    line("  ", span(`condition ${type}=${status}  ${reason}`, "faint"))
  );
  const branches = jobSet.groups.flatMap((group) => {
    const jobs = snapshot.jobs.filter((job) => job.ownerUid === jobSet.uid && job.group === group.name);
    if (jobs.length === 0) return [waitingBranch(jobSet, group)];
    return jobs.toSorted((a, b) => a.index - b.index).map((job) => jobBranch(job, snapshot.pods, isBrief));
  });
  return [title, ...conditions, ...branchLines(branches, "")];
}

/** A replicatedJob that has no Job yet, or none any more. */
function waitingBranch(jobSet: JobSetView, group: JobSetView["groups"][number]): Branch {
  const isOver = jobSet.terminalState !== undefined;
  const why = isOver || group.waitsFor.length === 0 ? "" : `, waits for ${group.waitsFor.join(" and ")}`;
  const count = isOver ? "no Job left" : `0 of ${group.replicas} Jobs`;
  return { label: line(span(`${group.name}: ${count}${why}`, "faint")), children: [] };
}

function jobBranch(job: JobView, pods: readonly PodView[], isBrief: boolean): Branch {
  const own = pods.filter((pod) => pod.ownerUid === job.uid);
  const state = jobState(job);
  const counts = ["Complete", "Failed"].includes(state) ? [] : [`${job.ready} of ${job.size} ready`];
  if (job.succeeded > 0) counts.push(`${job.succeeded} succeeded`);
  if (job.failed > 0) counts.push(`${job.failed} failed`);
  const label = line(
    `Job ${job.name}  `,
    span(state, markOf(state)),
    [`, attempt ${job.attempt}`, ...counts].join(", "),
  );
  return { label, children: isBrief ? summary(own) : own.map(podBranch) };
}

function podBranch(pod: PodView): Branch {
  const state = podState(pod);
  const restarts = pod.containerRestarts === 0 ? "" : `, container restarts ${pod.containerRestarts}`;
  const problem = pod.problem === undefined ? "" : `, ${pod.problem}`;
  return {
    label: line(
      `Pod ${pod.name}  `,
      span(state, markOf(state)),
      restarts + problem,
      span(pod.node === "" ? "" : `  ${pod.node}`, "faint"),
    ),
    children: [],
  };
}

/** `8 Pods: 7 Running, 1 Failed` */
function summary(pods: readonly PodView[]): readonly Branch[] {
  if (pods.length === 0) return [];
  const counts = new Map<string, number>();
  for (const { phase } of pods) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  const text = [...counts].map(([phase, count]) => `${count} ${phase}`).join(", ");
  return [{ label: line(`${pods.length} Pods: ${text}`), children: [] }];
}

function branchLines(branches: readonly Branch[], indent: string): readonly Line[] {
  return branches.flatMap(({ label, children }, index) => {
    const isLast = index === branches.length - 1;
    return [
      line(`${indent}${isLast ? "└─ " : "├─ "}`, ...label),
      ...branchLines(children, `${indent}${isLast ? "   " : "│  "}`),
    ];
  });
}
