/** The fields of a Pod that the kubelet reads. */
import { asArray, asInteger, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { ContainerState } from "./container.ts";

/** Why a container that was never started waits. */
export const CREATING = "ContainerCreating";

export interface PodKey {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function podKey(pod: JsonObject): PodKey {
  const field = (name: string) => asString(at(pod, "metadata", name)) ?? "";
  return { namespace: field("namespace"), name: field("name"), uid: field("uid") };
}

export function podPath(key: PodKey): string {
  return `/api/v1/namespaces/${key.namespace}/pods/${key.name}`;
}

export function isDeleted(pod: JsonObject): boolean {
  return at(pod, "metadata", "deletionTimestamp") !== undefined;
}

/** Whether nothing is left to run: the phase is final. */
export function isTerminal(pod: JsonObject): boolean {
  const phase = at(pod, "status", "phase");
  return phase === "Succeeded" || phase === "Failed";
}

export function graceMs(pod: JsonObject): number {
  return (asInteger(at(pod, "metadata", "deletionGracePeriodSeconds")) ?? 30) * 1000;
}

/** A container of the spec beside the state it starts with. */
export interface ContainerSpec {
  readonly spec: JsonObject;
  readonly state: ContainerState;
}

export function containersOf(pod: JsonObject): readonly ContainerSpec[] {
  const counts = restartCounts(pod);
  const read = (field: string, isInit: boolean) =>
    asArray(at(pod, "spec", field)).map((entry): ContainerSpec => {
      const spec = asObject(entry) ?? {};
      const name = asString(spec["name"]) ?? "";
      const role = !isInit ? "main" : spec["restartPolicy"] === "Always" ? "sidecar" : "init";
      const state: ContainerState = {
        name,
        image: asString(spec["image"]) ?? "",
        role,
        phase: { kind: "waiting", reason: CREATING },
        lastExit: undefined,
        isReady: false,
        isStartedUp: false,
        restartCount: counts.get(name) ?? 0,
      };
      return { spec, state };
    });
  return [...read("initContainers", true), ...read("containers", false)];
}

/** Counted on where a kubelet before this one stopped. */
function restartCounts(pod: JsonObject): ReadonlyMap<string, number> {
  const statuses = [
    ...asArray(at(pod, "status", "initContainerStatuses")),
    ...asArray(at(pod, "status", "containerStatuses")),
  ];
  return new Map(
    statuses.map((status) => [asString(at(status, "name")) ?? "", asInteger(at(status, "restartCount")) ?? 0]),
  );
}

export type ExitAction = "end" | "restart" | "restartAll";

/** What follows a container's exit: its own rules first, then its own policy, then the Pod's. */
export function exitAction(pod: JsonObject, container: ContainerSpec, exitCode: number): ExitAction {
  for (const rule of asArray(container.spec["restartPolicyRules"])) {
    const listed = asArray(at(rule, "exitCodes", "values")).includes(exitCode);
    const matches = at(rule, "exitCodes", "operator") === "NotIn" ? !listed : listed;
    if (matches) return at(rule, "action") === "RestartAllContainers" ? "restartAll" : "restart";
  }
  const policy = asString(container.spec["restartPolicy"]) ?? asString(at(pod, "spec", "restartPolicy")) ?? "Always";
  if (container.state.role === "init" && exitCode === 0) return "end";
  if (policy === "Always") return "restart";
  return policy === "OnFailure" && exitCode !== 0 ? "restart" : "end";
}
