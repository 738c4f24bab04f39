/** The Nodes and Pods of the placement bench, about as large as real ones. Pure. */
import { asObject, at, type JsonObject } from "../../src/base/json.ts";

/** The topology: blocks of so many Nodes. */
export const BLOCK = "example.com/block";
export const NODES_PER_BLOCK = 60;
const INDEX = "batch.kubernetes.io/job-completion-index";

export function blockOf(node: number): string {
  return `block-${Math.floor(node / NODES_PER_BLOCK)}`;
}

export function nodeName(node: number): string {
  return `node-${String(node).padStart(5, "0")}`;
}

export function nodeBody(node: number): JsonObject {
  const name = nodeName(node);
  const amounts = { cpu: "96", memory: "1536Gi", pods: "110", "example.com/accelerator": "8" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        [BLOCK]: blockOf(node),
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "accelerator-8",
        "topology.kubernetes.io/region": "region-a",
        "topology.kubernetes.io/zone": `zone-${"abc"[node % 3]}`,
        "example.com/machine-family": "accelerator",
        "example.com/node-pool": `pool-${Math.floor(node / 1000)}`,
        "example.com/capacity": "reserved",
      },
      annotations: {
        "node.alpha.kubernetes.io/ttl": "300",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        "example.com/instance": `projects/bench/zones/zone-${"abc"[node % 3]}/instances/${name}`,
      },
    },
    spec: { podCIDR: `10.${node >> 8}.${node & 255}.0/24`, providerID: `bench://${name}` },
    status: {
      capacity: amounts,
      allocatable: amounts,
      addresses: [{ type: "Hostname", address: name }],
      conditions: ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map((type) => ({
        type,
        status: type === "Ready" ? "True" : "False",
        reason: `Kubelet${type}`,
        message: `kubelet says of ${type} what it says`,
        lastHeartbeatTime: "2026-01-01T00:00:00Z",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      })),
    },
  };
}

export interface PodPlace {
  readonly index: number;
  /** Pinned to a block beforehand, as the webhook would have done. */
  readonly pin?: string;
  readonly node?: string;
}

/** A Pod as the Job controller would create it. */
export function podBody(job: JsonObject, { index, pin, node }: PodPlace): JsonObject {
  const name = String(at(job, "metadata", "name"));
  const template = at(job, "spec", "template");
  const { labels, annotations } = asObject(at(template, "metadata")) ?? {};
  const spec = asObject(at(template, "spec")) ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${name}-${index}-bench`,
      labels: { ...asObject(labels), [INDEX]: String(index) },
      annotations: { ...asObject(annotations), [INDEX]: String(index) },
      ownerReferences: [{
        apiVersion: "batch/v1",
        kind: "Job",
        name,
        uid: at(job, "metadata", "uid"),
        controller: true,
        blockOwnerDeletion: true,
      }],
    },
    spec: {
      ...spec,
      hostname: `${name}-${index}`,
      ...(pin === undefined ? {} : { nodeSelector: { ...asObject(spec["nodeSelector"]), [BLOCK]: pin } }),
      ...(node === undefined ? {} : { nodeName: node }),
    },
  };
}

/** Exclusive by affinity; `managedBy` leaves its Jobs to the bench. */
export function exclusiveJobSet(
  name: string,
  { jobs, pods, managedBy }: { readonly jobs: number; readonly pods: number; readonly managedBy?: string },
): JsonObject {
  return {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { name, annotations: { "alpha.jobset.sigs.k8s.io/exclusive-topology": BLOCK } },
    spec: {
      replicatedJobs: [{
        name: "workers",
        replicas: jobs,
        template: {
          spec: {
            backoffLimit: 0,
            completions: pods,
            parallelism: pods,
            ...(managedBy === undefined ? {} : { managedBy }),
            template: {
              spec: {
                restartPolicy: "Never",
                containers: [{
                  name: "worker",
                  image: "registry.example/worker:1",
                  command: ["python", "-m", "train"],
                  env: [{ name: "EPOCHS", value: "3" }, { name: "LEARNING_RATE", value: "0.001" }],
                  ports: [{ containerPort: 3389 }],
                  resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "2Gi" } },
                }],
              },
            },
          },
        },
      }],
    },
  };
}
