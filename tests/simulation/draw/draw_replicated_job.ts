import type { JsonObject } from "../../../src/base/json.ts";
import type { Random } from "../../../src/base/random.ts";
import { between, chance, pick } from "../actors/chance.ts";
import { FATE, fateForJobIndex, START, STOP } from "../actors/fate.ts";
import type { FailureDraw } from "./draw_failure_policy.ts";

export interface ReplicatedJobDraw {
  readonly name: string;
  readonly replicas: number;
  /** With completions, as Indexed Jobs must have them. */
  readonly isIndexed: boolean;
  /** Whether its Jobs end of themselves. */
  readonly ends: boolean;
  readonly object: JsonObject;
}

export interface ReplicatedJobPlan {
  readonly name: string;
  readonly failures: FailureDraw;
  /** What it may depend on. */
  readonly earlier: readonly ReplicatedJobDraw[];
  readonly isBig: boolean;
  /** The claim that every container mounts. */
  readonly volume: string | undefined;
}

interface Fates {
  readonly annotations: Readonly<Record<string, string>>;
  readonly ends: boolean;
}

const FATAL_EXIT_CODE = 42;

export function drawReplicatedJob(random: Random, plan: ReplicatedJobPlan): ReplicatedJobDraw {
  const replicas = chance(random, 0.07) ? 0 : between(random, 1, plan.isBig ? 3 : 2);
  const isIndexed = chance(random, 0.85);
  const fates = drawFates(random, { replicas, isLimited: plan.failures.isLimited });
  const dependsOn = drawDependsOn(random, plan.earlier);
  const object = {
    name: plan.name,
    groupName: chance(random, 0.2) ? "group-2" : "default",
    replicas,
    template: {
      spec: {
        ...drawSize(random, { isIndexed, isBig: plan.isBig }),
        ...drawLimits(random, plan.failures),
        template: podTemplate(random, { fates, volume: plan.volume }),
      },
    },
    ...(dependsOn.length > 0 ? { dependsOn } : {}),
  };
  return { name: plan.name, replicas, isIndexed, ends: fates.ends, object };
}

function drawSize(
  random: Random,
  { isIndexed, isBig }: { readonly isIndexed: boolean; readonly isBig: boolean },
): JsonObject {
  const parallelism = isBig ? between(random, 1, 2) : pick(random, [1, 1, 1, 2]);
  if (isIndexed) {
    const completions = chance(random, 0.1) ? parallelism + 1 : parallelism;
    return { completionMode: "Indexed", parallelism, completions };
  }
  return { completionMode: "NonIndexed", parallelism, ...(chance(random, 0.5) ? { completions: parallelism } : {}) };
}

function drawLimits(random: Random, { isLimited }: FailureDraw): JsonObject {
  const deadline = isLimited && chance(random, 0.1) ? { activeDeadlineSeconds: between(random, 1, 6) } : {};
  const onExitCodes = { operator: "In", values: [FATAL_EXIT_CODE] };
  const policy = chance(random, 0.15) ? { podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes }] } } : {};
  return {
    backoffLimit: pick(random, [0, 0, 0, 1, 2]),
    ...deadline,
    ...policy,
    ...(chance(random, 0.1) ? { podReplacementPolicy: "Failed" } : {}),
    ...(chance(random, 0.1) ? { ttlSecondsAfterFinished: between(random, 0, 6) } : {}),
  };
}

/** Some attempts fail; the last fate holds for all that follow. Where nothing limits the restarts it is no failure. */
function drawFates(
  random: Random,
  { replicas, isLimited }: { readonly replicas: number; readonly isLimited: boolean },
): Fates {
  const failures = Array.from({ length: pick(random, [0, 0, 1, 1, 2, 3]) }, () => drawFailure(random));
  const ends = chance(random, 0.7);
  const last = ends ? `succeed:${drawTime(random)}` : "run";
  const failsForever = isLimited && failures.length > 0 && chance(random, 0.2);
  const failing = (failsForever ? failures : [...failures, last]).join(",");
  const isAboutOne = replicas > 1 && chance(random, 0.6);
  if (!isAboutOne) return { annotations: { [FATE]: failing }, ends };
  const index = between(random, 0, replicas - 1);
  return { annotations: { [FATE]: last, [fateForJobIndex(index)]: failing }, ends };
}

function drawFailure(random: Random): string {
  const code = chance(random, 0.3) ? `:${FATAL_EXIT_CODE}` : "";
  return `fail:${drawTime(random)}${code}`;
}

function drawTime(random: Random): number {
  const luck = random.next();
  if (luck < 0.35) return between(random, 5, 400);
  return luck < 0.85 ? between(random, 400, 8_000) : between(random, 8_000, 25_000);
}

/** On at most two; on the end of another only where it comes. */
function drawDependsOn(random: Random, earlier: readonly ReplicatedJobDraw[]): readonly JsonObject[] {
  return earlier.filter(() => chance(random, 0.35)).map(({ name, ends }) => ({
    name,
    status: ends && chance(random, 0.5) ? "Complete" : "Ready",
  }));
}

function podTemplate(
  random: Random,
  { fates, volume }: { readonly fates: Fates; readonly volume: string | undefined },
): JsonObject {
  const mounts = volume === undefined ? {} : { volumeMounts: [{ name: volume, mountPath: "/data" }] };
  const start = chance(random, 0.03) ? "never" : String(pick(random, [0, 0, 50, between(random, 1, 4_000)]));
  const stop = String(pick(random, [0, 20, between(random, 1, 1_000), between(random, 1_000, 10_000)]));
  return {
    metadata: { annotations: { ...fates.annotations, [START]: start, [STOP]: stop } },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: pick(random, [1, 5, 30]),
      containers: [{ name: "main", image: "registry.example/train:1", ...mounts }],
    },
  };
}
