/**
 * What exclusive placement promises (spec 4), checked against a recorded watch of all Pods and Nodes. Pure: what it finds, it
 * says in one line each.
 */
import { asString, asStringMap, at } from "../../src/base/json.ts";
import { type Frame, inOrder, readPod, type SeenPod } from "./placement_frames.ts";

export interface PlacementRules {
  readonly topologyKey: string;
  /** How long a Pod may be in a wrong domain after its leader is scheduled, and two Jobs in one domain. */
  readonly mostMs: number;
}

/** The Pods and Nodes at one moment. */
interface World {
  readonly pods: Map<string, SeenPod>;
  /** The domains of the Nodes that there are. */
  readonly domains: Map<string, string | undefined>;
}

/** All that was wrong, during the record and at its end. */
export function checkPlacement(frames: readonly Frame[], rules: PlacementRules): readonly string[] {
  const world: World = { pods: new Map(), domains: new Map() };
  const open = new Map<string, number>();
  const lastWrong = new Map<string, number>();
  const problems = new Set<string>();
  let endMs = 0;
  const close = (text: string, sinceMs: number, nowMs: number) => {
    if (nowMs - sinceMs > rules.mostMs) problems.add(`${text}: for ${((nowMs - sinceMs) / 1000).toFixed(1)} s`);
  };
  for (const frame of inOrder(frames)) {
    endMs = Math.max(endMs, frame.atMs);
    const marked = apply(world, frame, rules.topologyKey);
    const wrong = wrongFollowers(world);
    const current = new Set([...wrong.values(), ...sharedDomains(world)]);
    for (const uid of wrong.keys()) lastWrong.set(uid, frame.atMs);
    if (marked !== undefined && !(frame.atMs - (lastWrong.get(marked.uid) ?? -Infinity) <= rules.mostMs)) {
      problems.add(`${marked.name} was marked as a violating follower, which it was not`);
    }
    for (const text of current) if (!open.has(text)) open.set(text, frame.atMs);
    for (const [text, sinceMs] of open) {
      if (current.has(text)) continue;
      close(text, sinceMs, frame.atMs);
      open.delete(text);
    }
  }
  for (const text of open.keys()) problems.add(`${text}: at the end`);
  return [...problems, ...splitJobs(world)];
}

/** Pods that were deleted by the controller, by `namespace/name`, though it never called them violating followers. */
export function undueDeletions(frames: readonly Frame[], deleted: Iterable<string>): readonly string[] {
  const marked = new Set<string>();
  for (const { kind, object } of frames) {
    const pod = kind === "pod" ? readPod(object, "") : undefined;
    if (pod?.isMarked === true) marked.add(pod.name);
  }
  return [...new Set(deleted)].filter((name) => !marked.has(name));
}

/** Brings the world up to date; the Pod, where it has just been marked. */
function apply({ pods, domains }: World, { kind, type, object }: Frame, topologyKey: string): SeenPod | undefined {
  if (kind === "node") {
    const name = asString(at(object, "metadata", "name")) ?? "";
    if (type === "DELETED") domains.delete(name);
    else domains.set(name, asStringMap(at(object, "metadata", "labels"))[topologyKey]);
    return undefined;
  }
  const pod = readPod(object, topologyKey);
  if (pod === undefined) return undefined;
  const isNew = pod.isMarked && pods.get(pod.uid)?.isMarked !== true;
  if (type === "DELETED") pods.delete(pod.uid);
  else pods.set(pod.uid, pod);
  return isNew ? pod : undefined;
}

/** Followers that are pinned to, or run in, another domain than their leader's; by uid, in words. */
function wrongFollowers({ pods, domains }: World): ReadonlyMap<string, string> {
  const leaderDomains = new Map<string, Set<string>>();
  for (const pod of pods.values()) {
    const domain = domains.get(pod.nodeName);
    if (!pod.isExclusive || !pod.isLeader || !pod.isLive || domain === undefined) continue;
    leaderDomains.set(pod.jobUid, (leaderDomains.get(pod.jobUid) ?? new Set()).add(domain));
  }
  const wrong = new Map<string, string>();
  for (const pod of pods.values()) {
    const right = leaderDomains.get(pod.jobUid);
    if (!pod.isExclusive || pod.isLeader || !pod.isLive || right === undefined) continue;
    const places = [pod.pinnedTo ?? "nothing", domains.get(pod.nodeName)].filter((place) => place !== undefined);
    const wrongPlace = places.find((place) => !right.has(place));
    if (wrongPlace !== undefined) {
      wrong.set(pod.uid, `${pod.name} belongs to ${wrongPlace}, its leader is in ${[...right].join(" and ")}`);
    }
  }
  return wrong;
}

/** Domains where an exclusive Job is not alone among those of its priority, in words. */
function sharedDomains({ pods, domains }: World): readonly string[] {
  const keys = new Map<string, Set<string>>();
  const exclusive = new Set<string>();
  for (const pod of pods.values()) {
    const domain = domains.get(pod.nodeName);
    if (!pod.isLive || domain === undefined) continue;
    const place = `${domain} at priority "${pod.priority}"`;
    keys.set(place, (keys.get(place) ?? new Set()).add(pod.jobKey));
    if (pod.isExclusive) exclusive.add(place);
  }
  return [...keys].filter(([place, jobs]) => jobs.size > 1 && exclusive.has(place))
    .map(([place, jobs]) => `${place} is shared by Jobs ${[...jobs].toSorted().join(" and ")}`);
}

/** Exclusive Jobs whose Pods are in more than one domain, leader or not. */
function splitJobs({ pods, domains }: World): readonly string[] {
  const places = new Map<string, Set<string>>();
  for (const pod of pods.values()) {
    const domain = domains.get(pod.nodeName);
    if (!pod.isExclusive || !pod.isLive || domain === undefined) continue;
    places.set(pod.jobUid, (places.get(pod.jobUid) ?? new Set()).add(domain));
  }
  return [...places].filter(([, found]) => found.size > 1)
    .map(([uid, found]) => `Job ${uid} is in ${[...found].toSorted().join(" and ")}: at the end`);
}
