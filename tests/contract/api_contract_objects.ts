/** The objects that the contract is tried with. Nobody but the tests acts on them. */
import { asObject, type JsonObject } from "../../src/base/json.ts";

export const POLICY = (propagationPolicy: string): JsonObject => ({ propagationPolicy });

export const CONTAINER: JsonObject = { name: "main", image: "busybox:1.36" };

interface JobOptions {
  readonly metadata?: JsonObject;
  readonly spec?: JsonObject;
  readonly templateMetadata?: JsonObject;
  readonly podSpec?: JsonObject;
}

/** No Job controller takes it up. */
export function job(name: string, { metadata, spec, templateMetadata, podSpec }: JobOptions = {}): JsonObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, ...metadata },
    spec: {
      managedBy: "example.com/by-hand",
      template: {
        ...(templateMetadata === undefined ? {} : { metadata: templateMetadata }),
        spec: { restartPolicy: "Never", containers: [CONTAINER], ...podSpec },
      },
      ...spec,
    },
  };
}

export function jobSet(name: string, spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: { name, ...metadata },
    spec: { managedBy: "example.com/nobody", ...spec },
  };
}

/** A replicatedJob with one container. */
export function group(name: string, extra: JsonObject = {}): JsonObject {
  return { name, template: { spec: { template: { spec: { containers: [CONTAINER] } } } }, ...extra };
}

export function lease(name: string, spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, ...metadata }, spec };
}

/** A Pod that no scheduler looks at. */
export function pod(name: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      schedulerName: "example.com-nobody",
      automountServiceAccountToken: false,
      containers: [CONTAINER],
      ...spec,
    },
  };
}

export function condition(type: string, status = "True"): JsonObject {
  return { type, status, reason: "Reason", message: "why", lastTransitionTime: "2026-01-01T00:00:00Z" };
}

export function owner(object: JsonObject, more: JsonObject = {}): JsonObject {
  const metadata = asObject(object["metadata"]);
  return {
    apiVersion: object["apiVersion"],
    kind: object["kind"],
    name: metadata?.["name"],
    uid: metadata?.["uid"],
    ...more,
  };
}
