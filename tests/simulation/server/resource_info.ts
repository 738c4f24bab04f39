/** The resources that the simulated API server serves, and the paths that lead to them. */
import type { ResourceName } from "../types.ts";

export interface ResourceInfo {
  readonly resource: ResourceName;
  readonly group: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  /** Custom resources are written with their fields in the order of the alphabet. */
  readonly isCustom: boolean;
  readonly hasStatus: boolean;
  readonly hasGeneration: boolean;
  /** A PUT without a resourceVersion overwrites. */
  readonly takesUnconditional: boolean;
  /** A PUT of what is not there creates it. */
  readonly createsOnPut: boolean;
  /** Deleting answers with the object where others answer with a Status. */
  readonly returnsDeleted: boolean;
  /** What a delete without a policy does with the dependents. */
  readonly deletesAs: "Background" | "Orphan";
  /** Its objects are deleted only once whoever runs them says so. */
  readonly isGraceful: boolean;
  readonly bookmark: string;
}

const USUAL = {
  isNamespaced: true,
  isCustom: false,
  hasStatus: false,
  hasGeneration: false,
  takesUnconditional: true,
  createsOnPut: false,
  returnsDeleted: false,
  deletesAs: "Background",
  isGraceful: false,
  bookmark: "",
} as const;

export const RESOURCE_INFO: Readonly<Record<ResourceName, ResourceInfo>> = {
  jobsets: {
    ...USUAL,
    resource: "jobsets",
    group: "jobset.x-k8s.io",
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    isCustom: true,
    hasStatus: true,
    hasGeneration: true,
    takesUnconditional: false,
  },
  jobs: {
    ...USUAL,
    resource: "jobs",
    group: "batch",
    apiVersion: "batch/v1",
    kind: "Job",
    hasStatus: true,
    hasGeneration: true,
    deletesAs: "Orphan",
    bookmark: ',"spec":{"template":{"metadata":{},"spec":{"containers":null}}},"status":{}',
  },
  pods: {
    ...USUAL,
    resource: "pods",
    group: "",
    apiVersion: "v1",
    kind: "Pod",
    hasStatus: true,
    hasGeneration: true,
    returnsDeleted: true,
    isGraceful: true,
    bookmark: ',"spec":{"containers":null},"status":{}',
  },
  services: {
    ...USUAL,
    resource: "services",
    group: "",
    apiVersion: "v1",
    kind: "Service",
    hasStatus: true,
    returnsDeleted: true,
    createsOnPut: true,
    bookmark: ',"spec":{},"status":{"loadBalancer":{}}',
  },
  persistentvolumeclaims: {
    ...USUAL,
    resource: "persistentvolumeclaims",
    group: "",
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    hasStatus: true,
    returnsDeleted: true,
    bookmark: ',"spec":{"resources":{}},"status":{}',
  },
  events: {
    ...USUAL,
    resource: "events",
    group: "events.k8s.io",
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    createsOnPut: true,
  },
  leases: {
    ...USUAL,
    resource: "leases",
    group: "coordination.k8s.io",
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    takesUnconditional: false,
    createsOnPut: true,
    bookmark: ',"spec":{}',
  },
  priorityclasses: {
    ...USUAL,
    resource: "priorityclasses",
    group: "scheduling.k8s.io",
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    isNamespaced: false,
    hasGeneration: true,
  },
  nodes: {
    ...USUAL,
    resource: "nodes",
    group: "",
    apiVersion: "v1",
    kind: "Node",
    isNamespaced: false,
    hasStatus: true,
  },
};

/** What a path names. */
export interface Target {
  readonly info: ResourceInfo;
  /** Undefined: all of them. Empty for what has no namespace. */
  readonly namespace: string | undefined;
  /** Undefined: the collection. */
  readonly name: string | undefined;
  readonly subresource: "status" | "binding" | undefined;
}

/** The target of a path; undefined where nothing is served. */
export function parsePath(path: string): Target | undefined {
  const parts = path.split("/");
  const isCore = parts[1] === "api";
  if (!isCore && parts[1] !== "apis") return undefined;
  const apiVersion = isCore ? parts[2] : `${parts[2]}/${parts[3]}`;
  let at = isCore ? 3 : 4;
  let namespace: string | undefined;
  if (parts[at] === "namespaces" && parts.length > at + 2) {
    namespace = parts[at + 1];
    at += 2;
  }
  const resource = parts[at] ?? "";
  const info = isResource(resource) ? RESOURCE_INFO[resource] : undefined;
  if (info === undefined || info.apiVersion !== apiVersion || (namespace !== undefined && !info.isNamespaced)) {
    return undefined;
  }
  const name = parts[at + 1];
  const subresource = subresourceOf(info, parts[at + 2]);
  if (subresource === null || parts.length > at + 3) return undefined;
  if (info.isNamespaced && name !== undefined && namespace === undefined) return undefined;
  return { info, namespace: info.isNamespaced ? namespace : "", name, subresource };
}

/** Null: there is none of this name. */
function subresourceOf(info: ResourceInfo, part: string | undefined): Target["subresource"] | null {
  if (part === undefined) return undefined;
  if (part === "status" && info.hasStatus) return part;
  return part === "binding" && info.resource === "pods" ? part : null;
}

function isResource(text: string): text is ResourceName {
  return Object.hasOwn(RESOURCE_INFO, text);
}
