/** What the cache keeps of a Node: the labels that make topologies (spec 4.3), nothing else. */
import { asObject, asString, type JsonObject } from "../base/json.ts";

/** A Node, as the cache holds it. */
export interface Node {
  /** Empty: it belongs to the cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Its domain of each topology that it has a label for. Nodes of the same domains share one object. */
  readonly domains: Domains;
}

/** Topology key → the value of that label. */
export type Domains = Readonly<Record<string, string>>;

/** Domains remembered to be shared; beyond this they are forgotten, as where each Node is a domain of its own. */
const MAX_SHARED = 5_000;

/** Trims Nodes, or the metadata of them, to these labels. */
export function nodeReader(topologyKeys: Iterable<string>): (body: JsonObject) => Node | undefined {
  const keys = [...topologyKeys];
  const shared = new Map<string, Domains>();
  return (body) => {
    const metadata = asObject(body["metadata"]);
    const name = asString(metadata?.["name"]);
    const uid = asString(metadata?.["uid"]);
    if (name === undefined || uid === undefined) return undefined;
    const domains = readDomains(asObject(metadata?.["labels"]), keys);
    const text = JSON.stringify(domains);
    const known = shared.get(text) ?? domains;
    if (shared.size >= MAX_SHARED) shared.clear();
    shared.set(text, known);
    return {
      namespace: "",
      name,
      uid,
      resourceVersion: asString(metadata?.["resourceVersion"]) ?? "",
      domains: known,
    };
  };
}

/** The value of one label of a Node's body. */
export function nodeDomain(body: unknown, topologyKey: string): string | undefined {
  const labels = asObject(asObject(asObject(body)?.["metadata"])?.["labels"]);
  return labels !== undefined && Object.hasOwn(labels, topologyKey) ? asString(labels[topologyKey]) : undefined;
}

function readDomains(labels: JsonObject | undefined, keys: readonly string[]): Domains {
  // Without a prototype: a label may be called like anything.
  const domains: Record<string, string> = Object.create(null);
  for (const key of keys) {
    const value = labels !== undefined && Object.hasOwn(labels, key) ? asString(labels[key]) : undefined;
    if (value !== undefined) domains[key] = value;
  }
  return domains;
}
