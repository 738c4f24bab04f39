/**
 * The requests and limits of a pod template's containers (spec 3.8): what a resume sets, and the digest by which a cached Job is
 * compared with its template. A Job may have containers that the template lacks, or have them in another order, because another
 * admission put them there; so the digest tells of each container by itself, in the Job's order.
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { asArray, asObject, asString, at, canonicalJson, type JsonObject } from "../base/json.ts";
import { canonicalQuantity } from "./quantity.ts";

const LISTS = ["initContainers", "containers"] as const;
export type ContainerList = (typeof LISTS)[number];

/** The first 64 bits of the hash: it only has to tell the few sizes of one container apart. */
const HASH_LENGTH = 16;

/** What a resume sets anew for one container of a Job, each as a whole; claims stay as they are. */
export interface ContainerResources {
  readonly list: ContainerList;
  /** Its place in the Job's list. */
  readonly index: number;
  readonly name: string;
  /** Empty where the template has none. */
  readonly requests: JsonObject;
  readonly limits: JsonObject;
}

/** For the cache: a line per container, `list/name/hash`; the hash is empty where nothing is asked for. */
export function resourcesDigest(podTemplate: unknown): string {
  return LISTS.flatMap((list) => containersOf(podTemplate, list).map((one) => `${list}/${one.name}/${hashOf(one)}`))
    .join("\n");
}

/** Which containers of a Job with this digest differ from the template's of the same name; quantities count by value. */
export function changedResources(podTemplate: unknown, digest: string): readonly ContainerResources[] {
  return LISTS.flatMap((list) => {
    const stored = digest.split("\n").map((line) => line.split("/")).filter(([of]) => of === list);
    const wanted = new Map(containersOf(podTemplate, list).map((container) => [container.name, container]));
    return stored.flatMap(([, name = "", hash], index) => {
      const container = wanted.get(name);
      return container === undefined || hashOf(container) === hash ? [] : [{ list, index, ...container }];
    });
  });
}

function containersOf(
  podTemplate: unknown,
  list: ContainerList,
): readonly Pick<ContainerResources, "name" | "requests" | "limits">[] {
  return asArray(at(podTemplate, "spec", list)).map((container) => ({
    name: asString(at(container, "name")) ?? "",
    requests: asObject(at(container, "resources", "requests")) ?? {},
    limits: asObject(at(container, "resources", "limits")) ?? {},
  }));
}

function hashOf({ requests, limits }: Pick<ContainerResources, "requests" | "limits">): string {
  if (Object.keys(requests).length + Object.keys(limits).length === 0) return "";
  const text = canonicalJson([canonicalAmounts(requests), canonicalAmounts(limits)]);
  return bytesToHex(sha1(utf8ToBytes(text))).slice(0, HASH_LENGTH);
}

function canonicalAmounts(amounts: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, canonicalQuantity(amount)]));
}
