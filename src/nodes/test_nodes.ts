/** Nodes and Jobs for the tests of this folder. */
import { NAMESPACED_JOB, NO_SCHEDULE } from "../api/keys.ts";
import type { JsonObject } from "../base/json.ts";
import type { JobNeed } from "./job_need.ts";
import { type NodeView, readNode } from "./node_view.ts";
import { type NodeWish, patchOf, stepOf } from "./node_wish.ts";

export const KEY = "example.com/rack";

export interface NodeShape {
  readonly rack?: string;
  readonly holder?: string;
  readonly isTainted?: boolean;
  readonly isReady?: boolean;
  readonly isUnschedulable?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly JsonObject[];
}

export function nodeBody(name: string, shape: NodeShape = {}): JsonObject {
  const { rack, holder, isTainted = holder !== undefined, isReady = true, isUnschedulable = false } = shape;
  const ours = { key: NO_SCHEDULE, value: "true", effect: "NoSchedule" };
  return {
    metadata: {
      name,
      resourceVersion: "1",
      labels: {
        ...shape.labels,
        ...(rack === undefined ? {} : { [KEY]: rack }),
        ...(holder === undefined ? {} : { [NAMESPACED_JOB]: holder }),
      },
    },
    spec: {
      ...(isUnschedulable ? { unschedulable: true } : {}),
      taints: [...(shape.taints ?? []), ...(isTainted ? [ours] : [])],
    },
    status: { conditions: [{ type: "Ready", status: isReady ? "True" : "Unknown" }] },
  };
}

export function node(name: string, shape?: NodeShape): NodeView {
  return readNode(nodeBody(name, shape));
}

/** So many nodes of one rack, named `<rack>-<i>`. */
export function rack(name: string, size: number, shape: NodeShape = {}): readonly NodeView[] {
  return Array.from({ length: size }, (_, index) => node(`${name}-${index}`, { rack: name, ...shape }));
}

export function need(name: string, pods = 1, nodeSelector: Readonly<Record<string, string>> = {}): JobNeed {
  return { namespace: "default", name, holder: `default_${name}`, pods, nodeSelector };
}

/** The nodes once the wishes are written. */
export function fulfilled(nodes: readonly NodeView[], wishes: readonly NodeWish[]): readonly NodeView[] {
  return nodes.map((before) => {
    const wish = wishes.find((candidate) => candidate.node === before.name);
    if (wish === undefined || stepOf(wish, before, KEY).kind !== "change") return before;
    const { metadata, spec } = patchOf(wish, before) as { metadata: { labels: JsonObject }; spec: JsonObject };
    const labels = Object.entries({ ...before.labels, ...metadata.labels }).filter(([, value]) => value !== null);
    const conditions = [{ type: "Ready", status: before.isUsable ? "True" : "False" }];
    return readNode({
      metadata: { name: before.name, resourceVersion: "2", labels: Object.fromEntries(labels) },
      spec,
      status: { conditions },
    });
  });
}
