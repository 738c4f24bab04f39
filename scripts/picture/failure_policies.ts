/** docs/failure_policies.md: its JobSet meets four failures, and each is answered as its rules say. */
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { parse } from "yaml";
import { jobLives } from "./job_life.ts";
import { jobSetsOf, readPage, yamlBlocks } from "./page_yaml.ts";
import type { Picture } from "./picture.ts";
import { podLives } from "./pod_life.ts";
import { policyMoments } from "./policy_moments.ts";
import type { Frame } from "./recorder.ts";
import { jobRows } from "./rows.ts";
import type { Scene } from "./scene.ts";

const PAUSE_MS = 3000;
const LAST_MS = 1500;

export async function playFailurePolicies(scene: Scene): Promise<Picture> {
  const jobSet = withLoaderRule(readPage("failure_policies.md"));
  const name = asString(at(jobSet, "metadata", "name")) ?? "";
  const pods = 7;
  const startMs = scene.nowMs;
  await scene.create(jobSet);
  await scene.ready(name, pods);
  await scene.pass(PAUSE_MS);
  await scene.evict(`${name}-workers-1`, 0);
  await untilRestarted(scene, name, pods);
  await scene.fail(`${name}-loader-0`, 0, 1);
  await untilRestarted(scene, name, pods);
  await scene.fail(`${name}-workers-2`, 1, 1);
  await untilRestarted(scene, name, pods);
  await scene.fail(`${name}-workers-0`, 0, 42);
  await scene.ended(name);
  await scene.pass(LAST_MS);
  return failurePicture(scene.frames, { startMs, endMs: scene.nowMs });
}

/** The page's JobSet, with the rule for the loader before its own last one: the fragment that needs the gate RestartJob. */
function withLoaderRule(page: string): JsonObject {
  const [jobSet = {}] = jobSetsOf(page);
  const rule = yamlBlocks(page).map((text): unknown => parse(text)).flatMap((value) => asArray(value))
    .find((entry) => at(entry, "action") === "RestartJob");
  const spec = asObject(jobSet["spec"]) ?? {};
  const policy = asObject(spec["failurePolicy"]) ?? {};
  return {
    ...jobSet,
    spec: { ...spec, failurePolicy: { ...policy, rules: asArray(policy["rules"]).toSpliced(-1, 0, rule) } },
  };
}

async function untilRestarted(scene: Scene, name: string, pods: number): Promise<void> {
  await scene.pass(PAUSE_MS / 3); // until the failure has been seen, or Pods that are about to go would count
  await scene.ready(name, pods);
  await scene.pass(PAUSE_MS * 2 / 3);
}

function failurePicture(
  frames: readonly Frame[],
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): Picture {
  const shifted = frames.map((frame) => ({ ...frame, atMs: frame.atMs - startMs }));
  const durationMs = endMs - startMs;
  const moments = policyMoments(shifted);
  return {
    title: "Four failures and what the failure policy did about them",
    description: "One row for each Job of the JobSet, bars for its runs. " +
      moments.map(({ atMs, text }) => `After ${(atMs / 1000).toFixed(1)} s ${text}.`).join(" "),
    panels: [{ title: "", rows: jobRows(jobLives(shifted, podLives(shifted)), durationMs), moments }],
    legend: [
      { tone: "starting", text: "created, Pods starting" },
      { tone: "running", text: "all Pods ready" },
      { tone: "ending", text: "failed or being deleted" },
      { mark: "failure", text: "the Job failed" },
    ],
    durationMs,
  };
}
