import { asArray, asInteger, asString, at, type JsonObject } from "../base/json.ts";
import type { InstallCluster } from "./install_cluster.ts";
import { nameOf } from "./resource_path.ts";

/** Why a Deployment is not ready, in the words of whoever holds it up; undefined once it is. */
export async function deploymentProblem(cluster: InstallCluster, wanted: JsonObject): Promise<string | undefined> {
  const name = nameOf(wanted);
  const deployment = await cluster.find(name);
  if (deployment === undefined) return "it was deleted";
  const count = (field: string) => asInteger(at(deployment, "status", field)) ?? 0;
  const replicas = asInteger(at(deployment, "spec", "replicas")) ?? 1;
  const isSeen = count("observedGeneration") >= (asInteger(at(deployment, "metadata", "generation")) ?? 0);
  const isReady = count("updatedReplicas") >= replicas && count("availableReplicas") >= replicas &&
    count("replicas") === count("updatedReplicas");
  if (isSeen && isReady) return undefined;
  const state = `${count("availableReplicas")} of ${replicas} replicas are ready`;
  const reason = await podsProblem(cluster, wanted) ?? failureOf(deployment);
  return reason === undefined ? state : `${state}: ${reason}`;
}

/** The quota, or the admission, that lets no Pod be made. */
function failureOf(deployment: JsonObject): string | undefined {
  const conditions = asArray(at(deployment, "status", "conditions"));
  const failure = conditions.find((entry) => at(entry, "type") === "ReplicaFailure" && at(entry, "status") === "True");
  return asString(at(failure, "message"));
}

async function podsProblem(cluster: InstallCluster, wanted: JsonObject): Promise<string | undefined> {
  const labels = Object.entries(at(wanted, "spec", "selector", "matchLabels") ?? {});
  const namespace = nameOf(wanted).namespace ?? "";
  const query = { labelSelector: labels.map(([key, value]) => `${key}=${value}`).join(",") };
  const list = await cluster.get(
    `list the Pods in namespace ${namespace}`,
    `/api/v1/namespaces/${namespace}/pods`,
    query,
  );
  for (const pod of asArray(list?.["items"])) {
    const problem = podProblem(pod);
    if (problem !== undefined) return `Pod ${asString(at(pod, "metadata", "name"))}: ${problem}`;
  }
  return undefined;
}

function podProblem(pod: unknown): string | undefined {
  const [container] = asArray(at(pod, "status", "containerStatuses"));
  const waiting = at(container, "state", "waiting");
  const last = at(container, "lastState", "terminated");
  const why = asString(at(waiting, "reason"));
  if (why !== undefined && why !== "ContainerCreating") {
    const words = asString(at(last, "message")) ?? asString(at(waiting, "message"));
    return words === undefined ? why : `${why}: ${words.trim().replace(/\s+/g, " ")}`;
  }
  const unscheduled = asArray(at(pod, "status", "conditions"))
    .find((entry) => at(entry, "type") === "PodScheduled" && at(entry, "status") === "False");
  return asString(at(unscheduled, "message"));
}
