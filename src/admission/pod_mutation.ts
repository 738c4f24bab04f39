/** What the mutating Pod webhook adds (spec 4.1). What the Pod has already stays; applied twice, the second patch is empty. */
import { asArray, at, canonicalJson, type JsonObject } from "../base/json.ts";
import { JOB_KEY, PRIORITY } from "../api/keys.ts";
import { priorityLabel } from "../api/priority.ts";
import { applyPatch, type JsonPatchOperation, setOperation } from "./json_patch.ts";
import { podPriority } from "./pod_role.ts";

/** What is to be added, by the Pod's role; the label `priority` in any case. */
export type PodChange =
  | { readonly kind: "labelled" }
  | { readonly kind: "leader"; readonly topologyKey: string; readonly jobKey: string }
  /** `domain`: the value of the node label that makes the topology. */
  | { readonly kind: "follower"; readonly topologyKey: string; readonly domain: string };

const LABEL_PATH = ["metadata", "labels", PRIORITY];
const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";

export function podPatch(pod: JsonObject, change: PodChange): readonly JsonPatchOperation[] {
  const draft = new Draft(pod);
  const priority = podPriority(pod);
  if (priority !== undefined) draft.set(LABEL_PATH, priorityLabel(priority));
  switch (change.kind) {
    case "labelled":
      break;
    case "leader": {
      const { topologyKey, jobKey } = change;
      const own = { key: JOB_KEY, operator: "In", values: [jobKey] };
      draft.append(["spec", "affinity", "podAffinity", REQUIRED], term(topologyKey, [own]));
      draft.append(
        ["spec", "affinity", "podAntiAffinity", REQUIRED],
        term(topologyKey, [
          { key: JOB_KEY, operator: "Exists" },
          { key: JOB_KEY, operator: "NotIn", values: [jobKey] },
          { key: PRIORITY, operator: "In", values: [draft.text(LABEL_PATH)] },
        ]),
      );
      break;
    }
    case "follower":
      draft.set(["spec", "nodeSelector", change.topologyKey], change.domain);
      break;
  }
  return draft.operations;
}

/** All namespaces: a domain is taken by whoever is there. */
function term(topologyKey: string, matchExpressions: readonly JsonObject[]): JsonObject {
  return { labelSelector: { matchExpressions }, topologyKey, namespaceSelector: {} };
}

/** The Pod as it becomes, and the operations that lead there. */
class Draft {
  readonly operations: JsonPatchOperation[] = [];
  #pod: unknown;

  constructor(pod: JsonObject) {
    this.#pod = pod;
  }

  /** A text of the Pod as it is by now; empty where there is none. */
  text(path: readonly string[]): string {
    const value = at(this.#pod, ...path);
    return typeof value === "string" ? value : "";
  }

  set(path: readonly string[], value: unknown): void {
    if (at(this.#pod, ...path) !== value) this.#apply(setOperation(this.#pod, path, value));
  }

  /** To the end of a list, unless it is in it already. */
  append(path: readonly string[], item: JsonObject): void {
    const list = at(this.#pod, ...path);
    const wanted = canonicalJson(item);
    if (asArray(list).some((entry) => canonicalJson(entry) === wanted)) return;
    this.#apply(
      Array.isArray(list) ? setOperation(this.#pod, [...path, "-"], item) : setOperation(this.#pod, path, [item]),
    );
  }

  #apply(operation: JsonPatchOperation | undefined): void {
    if (operation === undefined) return;
    this.operations.push(operation);
    this.#pod = applyPatch(this.#pod, [operation]);
  }
}
