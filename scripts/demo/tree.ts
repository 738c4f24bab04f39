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

/** From much to little: every Pod; a line for the Pods of a Job; that, and no more than a line for a finished JobSet. */
const DETAILS = ["whole", "brief", "unfinished"] as const;
type Detail = typeof DETAILS[number];

interface Branch {
  readonly label: Line;
  readonly children: readonly Branch[];
}

/**
 * The tree in at most `maxLines` lines. Where it is longer, the Pods of a Job are drawn together, then finished JobSets without
 * their Jobs, then the end is cut.
 */
export function treeLines(snapshot: Snapshot, maxLines = Number.POSITIVE_INFINITY): readonly Line[] {
  const draw = (detail: Detail) => snapshot.jobSets.flatMap((jobSet) => jobSetLines(jobSet, snapshot, detail));
  const found = DETAILS.map(draw).find((lines) => lines.length <= maxLines);
  if (found !== undefined) return found;
  const least = draw("unfinished");
  const kept = least.slice(0, Math.max(0, maxLines - 1));
  return [...kept, line(span(`… and ${least.length - kept.length} lines more`, "faint"))];
}

function jobSetLines(jobSet: JobSetView, snapshot: Snapshot, detail: Detail): readonly Line[] {
  const state = jobSetState(jobSet);
  const title = line(
    "JobSet ",
    span(`${jobSet.namespace}/${jobSet.name}`, "strong"),
    "  ",
    span(state, markOf(state)),
    `, restarts ${jobSet.restarts} (maxRestarts ${jobSet.maxRestarts})`,
  );
  if (detail === "unfinished" && jobSet.terminalState !== undefined) return [title];
  const conditions = jobSet.conditions.map(({ type, status, reason }) =>
    line("  ", span(`condition ${type}=${status}  ${reason}`, "faint"))
  );
  const branches = jobSet.groups.flatMap((group) => {
    const jobs = snapshot.jobs.filter((job) => job.ownerUid === jobSet.uid && job.group === group.name);
    if (jobs.length === 0) return [waitingBranch(jobSet, group)];
    return jobs.toSorted((a, b) => a.index - b.index).map((job) => jobBranch(job, snapshot.pods, detail));
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

function jobBranch(job: JobView, pods: readonly PodView[], detail: Detail): Branch {
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
  return { label, children: detail === "whole" ? own.map(podBranch) : summary(own) };
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
  return [{ label: line(`${pods.length} Pod${pods.length === 1 ? "" : "s"}: ${text}`), children: [] }];
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
