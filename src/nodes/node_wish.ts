import { NAMESPACED_JOB, NO_SCHEDULE } from "../api/keys.ts";
import type { JsonObject } from "../base/json.ts";
import { holderOf, isNoSchedule, isTainted, type NodeView } from "./node_view.ts";

/** What one Node is to become; it stays true while the Node changes, so that a write can be tried again. */
export interface NodeWish {
  /** hold: labelled for the Job and tainted; release: neither of both. */
  readonly kind: "hold" | "release";
  readonly node: string;
  /** Where the Node is; undefined where that does not matter, or where it is nowhere. */
  readonly domain: string | undefined;
  /** As `<namespace>_<job>`. */
  readonly holder: string;
}

export type NodeStep =
  | { readonly kind: "done" }
  /** Somebody else changed the Node, so that what was planned is no longer right. */
  | { readonly kind: "overtaken"; readonly why: string }
  | { readonly kind: "change"; readonly label: boolean; readonly taint: boolean };

/** What is left to do on a Node for a wish. */
export function stepOf(wish: NodeWish, node: NodeView, topologyKey: string | undefined): NodeStep {
  const holder = holderOf(node);
  if (wish.kind === "release") {
    return holder === wish.holder ? { kind: "change", label: true, taint: isTainted(node) } : { kind: "done" };
  }
  if (topologyKey !== undefined && node.labels[topologyKey] !== wish.domain) {
    return { kind: "overtaken", why: `it is no longer in domain ${wish.domain}` };
  }
  if (holder !== undefined && holder !== wish.holder) {
    return { kind: "overtaken", why: `it has been labelled for ${holder}` };
  }
  const step = { label: holder === undefined, taint: !isTainted(node) };
  return step.label || step.taint ? { kind: "change", ...step } : { kind: "done" };
}

/**
 * The merge patch of a step. It carries the resourceVersion that it was made from: a list such as the taints is replaced as a
 * whole, so that a change of somebody else in between must be a conflict.
 */
export function patchOf(wish: NodeWish, node: NodeView): JsonObject {
  const isHold = wish.kind === "hold";
  const others = node.taints.filter((taint) => !isNoSchedule(taint));
  const ours = { key: NO_SCHEDULE, value: "true", effect: "NoSchedule" };
  const taints = isHold ? [...node.taints, ...(isTainted(node) ? [] : [ours])] : others;
  return {
    metadata: {
      resourceVersion: node.resourceVersion,
      labels: { [NAMESPACED_JOB]: isHold ? wish.holder : null },
    },
    spec: { taints },
  };
}
