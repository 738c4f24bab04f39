/** The Node objects that the kubelet keeps. Pure. */
import type { JsonObject } from "../../src/base/json.ts";

export interface NodeOptions {
  readonly name: string;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly JsonObject[];
  /** Where the API server asks for the logs of containers. */
  readonly kubeletPort: number;
  readonly version: string;
}

const RESOURCES = { cpu: "1000", memory: "4000Gi", pods: "1000", "ephemeral-storage": "4000Gi" };

export function nodeObject(options: NodeOptions): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: options.name,
      labels: {
        "kubernetes.io/hostname": options.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/region": "region-a",
        "topology.kubernetes.io/zone": options.zone,
        ...options.labels,
      },
    },
    spec: { taints: options.taints },
    status: nodeStatus(options, true),
  };
}

export function nodeStatus(options: NodeOptions, isReady: boolean): JsonObject {
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const condition = (type: string, holds: boolean, reason: string) => ({
    type,
    status: holds ? "True" : "False",
    reason,
    message: reason,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  return {
    capacity: RESOURCES,
    allocatable: RESOURCES,
    addresses: [{ type: "InternalIP", address: "127.0.0.1" }, { type: "Hostname", address: options.name }],
    // What the scheduler asks of a node before it gives it a Pod with the rule.
    declaredFeatures: ["RestartAllContainersOnContainerExits"],
    daemonEndpoints: { kubeletEndpoint: { Port: options.kubeletPort } },
    nodeInfo: {
      architecture: "amd64",
      bootID: "",
      containerRuntimeVersion: "none://0",
      kernelVersion: "0",
      kubeProxyVersion: "",
      kubeletVersion: options.version,
      machineID: "",
      operatingSystem: "linux",
      osImage: "jobset-lite kubelet: no containers run here",
      systemUUID: "",
    },
    conditions: [
      condition("MemoryPressure", false, "KubeletHasSufficientMemory"),
      condition("DiskPressure", false, "KubeletHasNoDiskPressure"),
      condition("PIDPressure", false, "KubeletHasSufficientPID"),
      condition("Ready", isReady, isReady ? "KubeletReady" : "KubeletNotReady"),
    ],
  };
}
