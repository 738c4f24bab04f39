/** docs/placement.md: two Jobs, three zones, another JobSet beside them; a zone is cordoned and a leader deleted. */
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import { FATE_PREFIX } from "../kubelet/fate.ts";
import { jobSetsOf, readPage } from "./page_yaml.ts";
import type { Moment, Picture, Tone } from "./picture.ts";
import { type PodLife, podLives } from "./pod_life.ts";
import type { Frame } from "./recorder.ts";
import { podRows } from "./rows.ts";
import type { Scene } from "./scene.ts";

const ZONE = "topology.kubernetes.io/zone";
const NODES = "/api/v1/nodes";
const TONES: Readonly<Record<string, Tone>> = { "zone-a": "first", "zone-b": "second", "zone-c": "third" };
const PAUSE_MS = 2500;
const OTHER_PODS = 2;

/** What the record is drawn with beside its frames. */
export interface PlacementFacts {
  readonly startMs: number;
  readonly endMs: number;
  readonly zones: ReadonlyMap<string, string>;
  readonly moments: readonly Moment[];
}

export async function playPlacement(scene: Scene): Promise<Picture> {
  const [jobSet = {}] = jobSetsOf(readPage("placement.md"));
  const name = asString(at(jobSet, "metadata", "name")) ?? "";
  const zones = new Map((await scene.api.list(NODES)).map((node) => [
    asString(at(node, "metadata", "name")) ?? "",
    asStringMap(at(node, "metadata", "labels"))[ZONE] ?? "",
  ]));
  const startMs = scene.nowMs;
  const moments: Moment[] = [];
  const say = (text: string) => void moments.push({ atMs: scene.nowMs - startMs, text });
  await scene.create(jobSet);
  await scene.ready(name, 8);
  await scene.pass(PAUSE_MS);
  say("JobSet other is created");
  await scene.create(otherJobSet(jobSet));
  await scene.ready("other", OTHER_PODS);
  await scene.pass(PAUSE_MS);
  const zone = zones.get(await nodeOf(scene, `${name}-workers-0`)) ?? "";
  await setSchedulable(scene, zones, { zone, isSchedulable: false });
  say(`${zone} is cordoned, a leader in it deleted`);
  await scene.delete(`${name}-workers-0`, 0);
  await scene.ended("other");
  say("other is done");
  await scene.ready(name, 8);
  await scene.pass(PAUSE_MS);
  await setSchedulable(scene, zones, { zone, isSchedulable: true });
  return placementPicture(scene.frames, { startMs, endMs: scene.nowMs, zones, moments });
}

/** A Job of two Pods that is done after some seconds. */
function otherJobSet(jobSet: JsonObject): JsonObject {
  const [group] = asArray(at(jobSet, "spec", "replicatedJobs"));
  const job = asObject(at(group, "template", "spec")) ?? {};
  const annotations = { [`${FATE_PREFIX}succeed-after`]: "8s" };
  const template = { ...asObject(job["template"]), metadata: { annotations } };
  const spec = { ...job, parallelism: OTHER_PODS, completions: OTHER_PODS, template };
  const metadata = { ...asObject(jobSet["metadata"]), name: "other" };
  return { ...jobSet, metadata, spec: { replicatedJobs: [{ name: "job", replicas: 1, template: { spec } }] } };
}

async function nodeOf(scene: Scene, job: string): Promise<string> {
  const pod = await scene.api.get(`/api/v1/namespaces/default/pods/${await scene.pod(job, 0)}`);
  return asString(at(pod, "spec", "nodeName")) ?? "";
}

async function setSchedulable(
  { api }: Scene,
  zones: ReadonlyMap<string, string>,
  { zone, isSchedulable }: { readonly zone: string; readonly isSchedulable: boolean },
): Promise<void> {
  const nodes = [...zones].filter(([, value]) => value === zone).map(([node]) => node);
  const spec = { unschedulable: isSchedulable ? null : true };
  await Promise.all(nodes.map((node) => api.patch(`${NODES}/${node}`, { spec })));
}

function placementPicture(
  frames: readonly Frame[],
  { startMs, endMs, zones, moments }: PlacementFacts,
): Picture {
  const lives = podLives(frames.map((frame) => ({ ...frame, atMs: frame.atMs - startMs })));
  const durationMs = endMs - startMs;
  const zoneOf = (pod: PodLife) => zones.get(pod.node ?? "") ?? "";
  const rows = podRows(lives.toSorted(byJobAndIndex), {
    label: ({ job, index }) => `${job}-${index}${index === 0 ? " leader" : ""}`,
    tone: (pod) => TONES[zoneOf(pod)] ?? "running",
    text: zoneOf,
    endMs: durationMs,
  });
  return {
    title: "Exclusive placement: each Job in a zone of its own",
    description: `One row for each Pod, coloured by its zone. ${described(lives, zoneOf)} ` +
      moments.map(({ atMs, text }) => `After ${(atMs / 1000).toFixed(1)} s: ${text}.`).join(" "),
    panels: [{ title: "", rows, moments }],
    legend: [
      { tone: "waiting", text: "waits for a zone" },
      { tone: "starting", text: "starting" },
      ...Object.entries(TONES).map(([text, tone]) => ({ tone, text })),
      { tone: "ending", text: "ending" },
      { mark: "failure", text: "failed" },
    ],
    durationMs,
  };
}

function byJobAndIndex(a: PodLife, b: PodLife): number {
  const rank = ({ job }: PodLife) => job.startsWith("other") ? `~${job}` : job;
  return rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : a.index - b.index;
}

/** `train-workers-0 ran in zone-b, then in zone-c.` */
function described(lives: readonly PodLife[], zoneOf: (pod: PodLife) => string): string {
  const leaders = Map.groupBy(lives.filter(({ index }) => index === 0), ({ job }) => job);
  return [...leaders].map(([job, pods]) =>
    `${job} ran in ${pods.map(zoneOf).filter((zone) => zone !== "").join(", then in ")}.`
  )
    .toSorted().join(" ");
}
