/** docs/in_place_restart.md: a worker of its JobSet fails, and a worker of the same one whose Pods are recreated. */
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { jobSetsOf, objectsOf, readPage } from "./page_yaml.ts";
import type { Mark, Panel, Picture, Row } from "./picture.ts";
import { type PodLife, podLives } from "./pod_life.ts";
import type { Frame } from "./recorder.ts";
import { podRows } from "./rows.ts";
import type { Scene } from "./scene.ts";

const POD_START = "2s";
const BEFORE_MS = 1500;
const AFTER_MS = 1200;
const PATHS: Readonly<Record<string, string>> = {
  ServiceAccount: "/api/v1/namespaces/default/serviceaccounts",
  Role: "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
  RoleBinding: "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
};

/** From the creation of a JobSet to some time after its restart, by the scene's clock. */
interface Act {
  readonly jobSet: string;
  readonly startMs: number;
  readonly failedMs: number;
  readonly endMs: number;
}

export async function playInPlaceRestart(scene: Scene): Promise<Picture> {
  const page = readPage("in_place_restart.md");
  for (const object of objectsOf(page)) {
    const path = PATHS[asString(object["kind"]) ?? ""];
    if (path !== undefined) await scene.api.create(path, object);
  }
  const [inPlace = {}] = jobSetsOf(page);
  scene.stage.kubelet.setFates([{ labels: {}, fate: { "start-after": POD_START } }]);
  const recreated = await playAct(scene, withoutAgents(inPlace));
  await scene.remove(recreated.jobSet);
  const restarted = await playAct(scene, inPlace);
  return inPlacePicture(scene.frames, { recreated, restarted });
}

/** The same work with Pods that are recreated: no agent, and a worker that fails ends its Pod and its Job. */
function withoutAgents(jobSet: JsonObject): JsonObject {
  const spec = asObject(jobSet["spec"]) ?? {};
  const groups = asArray(spec["replicatedJobs"]).map((group) => {
    const job = asObject(at(group, "template", "spec")) ?? {};
    const { initContainers: _agent, serviceAccountName: _account, ...pod } = asObject(at(job, "template", "spec")) ??
      {};
    const containers = asArray(pod["containers"]).map((container) => {
      const { restartPolicyRules: _rules, ...rest } = asObject(container) ?? {};
      return rest;
    });
    const { podReplacementPolicy: _policy, ...rest } = job;
    const template = { spec: { ...rest, backoffLimit: 0, template: { spec: { ...pod, containers } } } };
    return { ...asObject(group), template };
  });
  const failurePolicy = { ...asObject(spec["failurePolicy"]), restartStrategy: "Recreate" };
  return { ...jobSet, metadata: { name: "recreated" }, spec: { ...spec, failurePolicy, replicatedJobs: groups } };
}

async function playAct(scene: Scene, jobSet: JsonObject): Promise<Act> {
  const name = asString(at(jobSet, "metadata", "name")) ?? "";
  const pods = 6;
  const startMs = scene.nowMs;
  await scene.create(jobSet);
  await scene.ready(name, pods);
  await scene.pass(BEFORE_MS);
  const failedMs = scene.nowMs;
  await scene.failOnce(`${name}-workers-0`, 1);
  await scene.pass(BEFORE_MS / 3);
  await scene.ready(name, pods);
  await scene.pass(AFTER_MS);
  return { jobSet: name, startMs, failedMs, endMs: scene.nowMs };
}

function inPlacePicture(
  frames: readonly Frame[],
  { recreated, restarted }: { readonly recreated: Act; readonly restarted: Act },
): Picture {
  const durationMs = Math.max(...[recreated, restarted].map(({ startMs, endMs }) => endMs - startMs));
  const panels = [
    { title: "Recreate: the Job fails, all Pods are deleted and made anew", act: recreated, hasBarrier: false },
    { title: "InPlaceRestart: all Pods stay, their containers restart", act: restarted, hasBarrier: true },
  ].map(({ title, act, hasBarrier }) => panelOf(frames, { title, act, hasBarrier, durationMs }));
  const told = panels.map(({ title, moments }) => `${title}: ${moments.map(({ text }) => text).join(", ")}.`);
  return {
    title: "A worker fails: all Pods recreated, and restarted in place",
    description: `One row for each Pod, bars for the time that its worker runs. ${told.join(" ")}`,
    panels,
    legend: [
      { tone: "waiting", text: "no node yet" },
      { tone: "starting", text: "Pod starts, or its barrier stands" },
      { tone: "running", text: "the worker runs" },
      { tone: "ending", text: "being deleted" },
      { mark: "failure", text: "the worker fails" },
      { mark: "lifted", text: "barrier lifted" },
    ],
    durationMs,
  };
}

function panelOf(
  frames: readonly Frame[],
  { title, act, hasBarrier, durationMs }: {
    readonly title: string;
    readonly act: Act;
    readonly hasBarrier: boolean;
    readonly durationMs: number;
  },
): Panel {
  const within = frames.filter(({ atMs }) => atMs >= act.startMs && atMs <= act.endMs);
  const lives = podLives(within.map((frame) => ({ ...frame, atMs: frame.atMs - act.startMs })))
    .filter(({ job }) => job.startsWith(`${act.jobSet}-`))
    .toSorted((a, b) => a.job < b.job ? -1 : a.job > b.job ? 1 : a.index - b.index);
  const label = ({ job, index }: PodLife) => `${job}-${index}`;
  const rows = podRows(lives, { label, tone: () => "running", endMs: Math.min(durationMs, act.endMs - act.startMs) });
  const failures = rows.flatMap(({ marks }) => marks).map(({ atMs }) => atMs);
  const failedMs = Math.min(...failures);
  const againMs = Math.max(...lives.flatMap(({ runs }) => runs.map(({ fromMs }) => fromMs)));
  return {
    title,
    rows: hasBarrier ? rows.map((row) => withBarriers(row, lives.filter((pod) => label(pod) === row.label))) : rows,
    moments: [
      { atMs: failedMs, text: "a worker fails" },
      { atMs: againMs, text: `all run again, ${((againMs - failedMs) / 1000).toFixed(1)} s later` },
    ],
  };
}

/** A worker starts the moment that its Pod's barrier is lifted. */
function withBarriers(row: Row, pods: readonly PodLife[]): Row {
  const lifted = pods.flatMap(({ runs }) => runs).map(({ fromMs }): Mark => ({ atMs: fromMs, kind: "lifted" }));
  return { ...row, marks: [...row.marks, ...lifted] };
}
