import { messageOf } from "../base/message_of.ts";
import { isConflict, isNotFound } from "../client/api_error.ts";
import { causeOf, type NodeCluster } from "./node_cluster.ts";
import type { NodeView } from "./node_view.ts";
import { type NodeWish, patchOf, stepOf } from "./node_wish.ts";

/** Nodes that are written at once: enough for thousands in seconds, and nothing for an API server. */
const AT_ONCE = 20;
/** A kubelet writes its Node every few seconds at most: a conflict ten times over is somebody else's fight. */
const MAX_TRIES = 10;

export interface WriteRequest {
  readonly cluster: NodeCluster;
  readonly wishes: readonly NodeWish[];
  /** As they were read for the plan, by name. */
  readonly nodes: ReadonlyMap<string, NodeView>;
  readonly topologyKey: string | undefined;
}

/** Fulfils the wishes in their order; throws the first failure, once what was under way has ended. */
export async function writeNodes(request: WriteRequest): Promise<void> {
  const { wishes } = request;
  const failures: unknown[] = [];
  let position = 0;
  let done = 0;
  const work = async () => {
    while (failures.length === 0) {
      const wish = wishes[position++];
      if (wish === undefined) return;
      try {
        await fulfil(wish, request);
        done++;
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, wishes.length) }, work));
  if (failures.length === 0) return;
  const [cause] = failures;
  throw new Error(`${messageOf(cause)}; ${done} of ${wishes.length} nodes are done: run it again to go on`, { cause });
}

async function fulfil(wish: NodeWish, { cluster, nodes, topologyKey }: WriteRequest): Promise<void> {
  let node = nodes.get(wish.node);
  for (let tries = 1; node !== undefined; tries++) {
    const step = stepOf(wish, node, topologyKey);
    if (step.kind === "done") return;
    if (step.kind === "overtaken") throw new Error(`change node ${wish.node}: ${step.why}`);
    try {
      return await cluster.patchNode(wish.node, patchOf(wish, node));
    } catch (error) {
      if (isNotFound(causeOf(error))) return; // gone: nothing to label
      if (!isConflict(causeOf(error)) || tries >= MAX_TRIES) throw error;
      node = await cluster.node(wish.node);
    }
  }
}
