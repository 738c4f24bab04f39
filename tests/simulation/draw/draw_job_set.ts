/** Draws the manifest of a JobSet, valid with webhooks and without, and what becomes of its Pods. */
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import { EXCLUSIVE_TOPOLOGY, NODE_SELECTOR, OWN_MANAGED_BY } from "../../../src/api/keys.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import type { Random } from "../../../src/base/random.ts";
import { between, chance, pick } from "../actors/chance.ts";
import { drawFailurePolicy, type FailureDraw } from "./draw_failure_policy.ts";
import { drawReplicatedJob, type ReplicatedJobDraw } from "./draw_replicated_job.ts";

export interface JobSetPlan {
  readonly name: string;
  readonly namespace: string;
  readonly gates: Partial<FeatureGates>;
  readonly isBig: boolean;
  readonly isQueued: boolean;
}

const GROUP_NAMES = ["driver", "w", "ps-1"] as const;

export function drawJobSet(random: Random, plan: JobSetPlan): JsonObject {
  const names = GROUP_NAMES.slice(0, plan.isBig ? between(random, 1, 3) : pick(random, [1, 1, 2]));
  const failures = drawFailurePolicy(random, names, plan.gates);
  const isInOrder = chance(random, 0.15);
  const volume = chance(random, 0.1) ? "data" : undefined;
  const groups: ReplicatedJobDraw[] = [];
  for (const name of names) {
    const earlier = isInOrder ? [] : groups;
    groups.push(drawReplicatedJob(random, { name, failures, earlier, isBig: plan.isBig, volume }));
  }
  return {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { name: plan.name, namespace: plan.namespace, ...drawPlacement(random) },
    spec: {
      ...(plan.isQueued || chance(random, 0.1) ? { suspend: true } : {}),
      ...drawSuccessPolicy(random, names),
      ...policyField(failures),
      ...(isInOrder ? { startupPolicy: { startupPolicyOrder: "InOrder" } } : {}),
      ...drawNetwork(random),
      ...(chance(random, 0.2) ? { ttlSecondsAfterFinished: between(random, 0, 12) } : {}),
      ...drawManagedBy(random),
      ...drawCoordinator(random, groups),
      ...(volume === undefined ? {} : volumeClaimPolicies(random, volume)),
      replicatedJobs: groups.map(({ object }) => object),
    },
  };
}

function policyField({ policy }: FailureDraw): JsonObject {
  return policy === undefined ? {} : { failurePolicy: policy };
}

function drawSuccessPolicy(random: Random, names: readonly string[]): JsonObject {
  if (chance(random, 0.5)) return {};
  const operator = pick(random, ["All", "Any"]);
  const targets = names.filter(() => chance(random, 0.6));
  return { successPolicy: { operator, ...(targets.length > 0 ? { targetReplicatedJobs: targets } : {}) } };
}

function drawNetwork(random: Random): JsonObject {
  const luck = random.next();
  if (luck < 0.5) return {};
  if (luck < 0.65) return { network: { enableDNSHostnames: false } };
  const subdomain = luck < 0.85 ? "shared" : "own-domain";
  return {
    network: {
      enableDNSHostnames: true,
      subdomain,
      ...(chance(random, 0.3) ? { publishNotReadyAddresses: false } : {}),
    },
  };
}

function drawManagedBy(random: Random): JsonObject {
  const luck = random.next();
  if (luck < 0.03) return { managedBy: "kueue.x-k8s.io/multikueue" };
  return luck < 0.08 ? { managedBy: OWN_MANAGED_BY } : {};
}

function drawPlacement(random: Random): JsonObject {
  if (!chance(random, 0.06)) return {};
  return { annotations: { [EXCLUSIVE_TOPOLOGY]: "rack", [NODE_SELECTOR]: "true" } };
}

function drawCoordinator(random: Random, groups: readonly ReplicatedJobDraw[]): JsonObject {
  const group = groups[0];
  if (group === undefined || !group.isIndexed || group.replicas === 0 || !chance(random, 0.2)) return {};
  return { coordinator: { replicatedJob: group.name, jobIndex: group.replicas - 1, podIndex: 0 } };
}

function volumeClaimPolicies(random: Random, volume: string): JsonObject {
  const template = {
    metadata: { name: volume },
    spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage: "1Gi" } } },
  };
  const whenDeleted = pick(random, ["Delete", "Retain"]);
  return { volumeClaimPolicies: [{ templates: [template], retentionPolicy: { whenDeleted } }] };
}
