/** The scheduler of the cluster: Pods without scheduling gates get a Node of the flavor that they ask for. */
import { asArray, asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import type { ActorWorld, Write } from "../types.ts";
import { between, lag } from "./chance.ts";
import { keyOf, specOf, statusOf, uidOf } from "./objects.ts";
import { tryTo } from "./try_to.ts";

/** The only key of a nodeSelector that counts: the others need no Node of their own here. */
export const FLAVOR = "sim/flavor";
export const FLAVORS = ["a", "b", "c"] as const;
const NODES_PER_FLAVOR = 2;

export class Scheduler {
  readonly #world: ActorWorld;

  constructor(world: ActorWorld) {
    this.#world = world;
    world.server.onWrite((write) => {
      if (write.resource === "pods" && write.verb !== "delete") this.#hear(write);
    });
  }

  /** A new Pod, or one whose gates are gone. */
  #hear({ verb, before, after }: Write): void {
    if (after === undefined || !isSchedulable(after)) return;
    if (verb === "update" && (before === undefined || isSchedulable(before))) return;
    const uid = uidOf(after);
    const key = keyOf(after);
    this.#world.after(lag(this.#world.random), "schedule", () => {
      const pod = this.#world.server.get("pods", key);
      if (pod !== undefined && uidOf(pod) === uid && isSchedulable(pod)) this.#bind(pod);
    });
  }

  #bind(pod: JsonObject): void {
    const spec = specOf(pod);
    const flavor = asString(asObject(spec["nodeSelector"])?.[FLAVOR]);
    if (flavor !== undefined && !FLAVORS.some((known) => known === flavor)) return;
    const nodeName = nodeNameOf(flavor ?? FLAVORS[0], between(this.#world.random, 0, NODES_PER_FLAVOR - 1));
    tryTo(() => this.#world.server.update("scheduler", "pods", { ...pod, spec: { ...spec, nodeName } }));
  }
}

/** The Nodes of the simulation. */
export function simulatedNodes(): readonly JsonObject[] {
  return FLAVORS.flatMap((flavor) =>
    Array.from({ length: NODES_PER_FLAVOR }, (_, index): JsonObject => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: nodeNameOf(flavor, index), labels: { [FLAVOR]: flavor } },
    }))
  );
}

function nodeNameOf(flavor: string, index: number): string {
  return `node-${flavor}-${index}`;
}

function isSchedulable(pod: JsonObject): boolean {
  const spec = specOf(pod);
  if (spec["nodeName"] !== undefined || asArray(spec["schedulingGates"]).length > 0) return false;
  return (asString(statusOf(pod)["phase"]) ?? "Pending") === "Pending" &&
    asObject(pod["metadata"])?.["deletionTimestamp"] === undefined;
}
