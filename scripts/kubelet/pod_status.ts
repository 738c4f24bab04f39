/** A Pod's status from the states of its containers, as a kubelet writes it. Pure. */
import type { JsonObject } from "../../src/base/json.ts";
import type { ContainerPhase, ContainerState } from "./container.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export interface PodStatusInput {
  readonly containers: readonly ContainerState[];
  readonly podIp: string;
  readonly hostIp: string;
  readonly startTime: string;
  /** When the conditions last changed, by type; kept by the caller. */
  readonly transitions: Map<string, { readonly status: string; readonly at: string }>;
  readonly now: string;
  /** Where the fate could not be read. */
  readonly problem: string | undefined;
}

/** A container in phase `exited` has ended for good: one that will be started again is `waiting`. */
export function podPhase(containers: readonly ContainerState[]): PodPhase {
  const mains = containers.filter((container) => container.role === "main");
  const failedInit = containers.some((c) => c.role === "init" && c.phase.kind === "exited" && c.phase.exitCode !== 0);
  if (failedInit) return "Failed";
  if (mains.every((container) => container.phase.kind === "exited")) {
    const failed = mains.some((container) => container.phase.kind === "exited" && container.phase.exitCode !== 0);
    return failed ? "Failed" : "Succeeded";
  }
  const started = mains.some((container) => container.phase.kind !== "waiting" || container.restartCount > 0);
  return started ? "Running" : "Pending";
}

/** The body of a strategic merge patch of `status`: conditions of other writers stay. */
export function podStatus(input: PodStatusInput): JsonObject {
  const { containers, problem } = input;
  const phase = problem === undefined ? podPhase(containers) : "Failed";
  const isRunning = phase === "Running";
  const initialized = containers.every((c) =>
    c.role === "main" || c.isStartedUp || (c.phase.kind === "exited" && c.phase.exitCode === 0)
  );
  const ready = isRunning && initialized && containers.filter((c) => c.role !== "init").every((c) => c.isReady);
  const reason = phase === "Succeeded" || phase === "Failed" ? `Pod${phase === "Failed" ? "Failed" : "Completed"}` : "";
  const condition = (type: string, holds: boolean) => {
    const status = holds ? "True" : "False";
    const before = input.transitions.get(type);
    const lastTransitionTime = before?.status === status ? before.at : input.now;
    input.transitions.set(type, { status, at: lastTransitionTime });
    return { type, status, lastTransitionTime, ...(holds || reason === "" ? {} : { reason }) };
  };
  return {
    phase,
    hostIP: input.hostIp,
    hostIPs: [{ ip: input.hostIp }],
    podIP: input.podIp,
    podIPs: [{ ip: input.podIp }],
    startTime: input.startTime,
    ...(problem === undefined ? {} : { reason: "BadFate", message: problem }),
    conditions: [
      condition("PodReadyToStartContainers", phase === "Pending" || isRunning),
      condition("Initialized", initialized),
      condition("ContainersReady", ready),
      condition("Ready", ready),
    ],
    initContainerStatuses: containers.filter((c) => c.role !== "main").map(containerStatus),
    containerStatuses: containers.filter((c) => c.role === "main").map(containerStatus),
  };
}

function containerStatus(container: ContainerState): JsonObject {
  return {
    name: container.name,
    image: container.image,
    imageID: `sha256:none/${container.image}`,
    containerID: `jobset-lite://${container.name}-${container.restartCount}`,
    ready: container.isReady || (container.role === "init" && container.phase.kind === "exited"),
    started: container.isStartedUp,
    restartCount: container.restartCount,
    state: phaseStatus(container.phase),
    lastState: container.lastExit === undefined ? {} : phaseStatus(container.lastExit),
  };
}

function phaseStatus(phase: ContainerPhase): JsonObject {
  switch (phase.kind) {
    case "waiting":
      return { waiting: { reason: phase.reason } };
    case "running":
      return { running: { startedAt: phase.startedAt } };
    case "exited": {
      const { exitCode, startedAt, finishedAt, message } = phase;
      const reason = exitCode === 0 ? "Completed" : "Error";
      return { terminated: { exitCode, reason, startedAt, finishedAt, ...(message === "" ? {} : { message }) } };
    }
  }
}
