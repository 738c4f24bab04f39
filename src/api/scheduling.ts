/** The part of a pod template that may change while its Job is suspended (spec 3.8), and a hash to compare it by. */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { asArray, asObject, asStringMap, at, canonicalJson } from "../base/json.ts";

/** What a resume sets anew in a Job's pod template, each as a whole. */
export interface Scheduling {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly unknown[];
  readonly schedulingGates: readonly unknown[];
}

/** Reads it from a pod template; what is absent is empty. */
export function readScheduling(podTemplate: unknown): Scheduling {
  return {
    labels: asStringMap(at(podTemplate, "metadata", "labels")),
    annotations: asStringMap(at(podTemplate, "metadata", "annotations")),
    nodeSelector: asStringMap(at(podTemplate, "spec", "nodeSelector")),
    tolerations: asArray(at(podTemplate, "spec", "tolerations")).map(withoutEmpty),
    schedulingGates: asArray(at(podTemplate, "spec", "schedulingGates")),
  };
}

/** As the API server stores it: a field that is empty is not there. */
function withoutEmpty(toleration: unknown): unknown {
  const fields = asObject(toleration);
  if (fields === undefined) return toleration;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && value !== null));
}

/** Equal for pod templates that a resume need not change. */
export function schedulingHash(podTemplate: unknown): string {
  return hashOf(readScheduling(podTemplate));
}

/** The hash of what a resume would set. */
export function hashOf(scheduling: Scheduling): string {
  return bytesToHex(sha1(utf8ToBytes(canonicalJson(scheduling))));
}
