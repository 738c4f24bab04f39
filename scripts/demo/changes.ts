/** What changed from one snapshot to the next, a line each. Pure. */
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

export function changeLines(before: Snapshot, after: Snapshot): readonly Line[] {
  return [
    ...changes(before.jobSets, after.jobSets, jobSetChanges),
    ...changes(before.jobs, after.jobs, jobChanges),
    ...changes(before.pods, after.pods, podChanges),
  ];
}

function changes<V extends { readonly uid: string }>(
  before: readonly V[],
  after: readonly V[],
  describe: (old: V | undefined, now: V | undefined) => readonly Line[],
): readonly Line[] {
  const old = new Map(before.map((view) => [view.uid, view]));
  const now = new Set(after.map(({ uid }) => uid));
  return [
    ...before.filter(({ uid }) => !now.has(uid)).flatMap((view) => describe(view, undefined)),
    ...after.flatMap((view) => {
      const known = old.get(view.uid);
      return known === view ? [] : describe(known, view);
    }),
  ];
}

function jobSetChanges(old: JobSetView | undefined, now: JobSetView | undefined): readonly Line[] {
  const name = `JobSet ${now?.name ?? old?.name ?? ""}`;
  if (now === undefined) return [line(`${name}  gone`)];
  const lines: Line[] = [];
  const say = (text: string, mark = markOf(text)) => lines.push(line(`${name}  `, span(text, mark)));
  if (old === undefined) say("created", "plain");
  if (old !== undefined && now.restarts !== old.restarts) {
    say(`restart ${now.restarts} (maxRestarts ${now.maxRestarts})`, "busy");
  }
  for (const { type, status, reason } of now.conditions) {
    const known = old?.conditions.find((condition) => condition.type === type);
    if (known?.status !== status || known.reason !== reason) say(`condition ${type}=${status}, ${reason}`, "plain");
  }
  const state = jobSetState(now);
  if (old !== undefined && jobSetState(old) !== state) say(state);
  return lines;
}

function jobChanges(old: JobView | undefined, now: JobView | undefined): readonly Line[] {
  const name = `Job ${now?.name ?? old?.name ?? ""}`;
  if (now === undefined) return [line(`${name}  gone (attempt ${old?.attempt})`)];
  if (old === undefined) return [line(`${name}  created (attempt ${now.attempt})`)];
  const lines: Line[] = [];
  const state = jobState(now);
  if (state !== jobState(old)) lines.push(line(`${name}  `, span(state, markOf(state))));
  if (now.ready !== old.ready && now.ready > 0) lines.push(line(`${name}  ${now.ready} of ${now.size} ready`));
  return lines;
}

function podChanges(old: PodView | undefined, now: PodView | undefined): readonly Line[] {
  const name = `Pod ${now?.name ?? old?.name ?? ""}`;
  if (now === undefined) return [line(`${name}  gone`)];
  const state = podState(now);
  if (old === undefined) return [line(`${name}  created`)];
  const where = now.node !== "" && old.node === "" ? ` on ${now.node}` : "";
  const problem = now.problem === undefined || now.problem === old.problem ? "" : `, ${now.problem}`;
  if (state === podState(old) && problem === "") return [];
  return [line(`${name}  `, span(state, markOf(state)), where + problem)];
}
