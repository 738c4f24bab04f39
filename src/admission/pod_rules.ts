/**
 * The Pod webhooks of an installation of the reference go on being called after its image has been changed for ours (spec 6.5). They
 * must let every Pod through that needs nothing of them.
 */
import { asString, at, type JsonObject } from "../base/json.ts";
import { EXCLUSIVE_TOPOLOGY, JOBSET_NAME, NODE_SELECTOR } from "../api/keys.ts";

/** Why a Pod is not let in; undefined for one that may be created as it is (spec 4.1: decided by its own annotations). */
export function podProblem(pod: JsonObject | undefined): string | undefined {
  const annotation = (key: string) => asString(at(pod, "metadata", "annotations", key)) ?? "";
  const isExclusive = annotation(JOBSET_NAME) !== "" && annotation(EXCLUSIVE_TOPOLOGY) !== "";
  if (!isExclusive || annotation(NODE_SELECTOR) !== "") return undefined;
  return `exclusive placement by "${EXCLUSIVE_TOPOLOGY}" alone is not done by this version: its Pods would share their domains; ` +
    `label the nodes and set "${NODE_SELECTOR}" too`;
}
