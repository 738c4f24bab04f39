import { asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Cluster } from "./cluster.ts";

const REST_MS = 2_000;
const WRITES = ["create", "update", "patch", "delete", "deletecollection"];

/** Watches the audit log for so long: the controller must not write anything in this namespace. */
export async function expectNoWrites(
  cluster: Cluster,
  { position, forMs }: { readonly position: number; readonly forMs: number },
): Promise<void> {
  const end = performance.now() + forMs;
  await cluster.eventually(
    `${forMs / 1000} s to be over`,
    () => Promise.resolve(performance.now() > end),
    forMs + 1000,
  );
  const writes = writesSince(cluster, position);
  if (writes.length > 0) throw new Error(`expected no write in ${cluster.namespace}, but: ${writes.join("; ")}`);
}

/** Waits until the controller has written all that it had to: counters go out at most every 100 ms, Events a little later. */
export async function writesEnd(cluster: Cluster, position: number): Promise<void> {
  let seen = -1;
  let since = performance.now();
  await cluster.eventually("the writes to end", () => {
    const count = writesSince(cluster, position).length;
    if (count !== seen) since = performance.now();
    seen = count;
    return Promise.resolve(performance.now() - since > REST_MS);
  });
}

/** The controller's writes in this namespace from a place of the audit log on. */
export function writesSince(cluster: Cluster, position: number): readonly string[] {
  return cluster.environment.auditSince(position, cluster.namespace)
    .filter((entry) => WRITES.includes(asString(entry["verb"]) ?? ""))
    .map(describe);
}

function describe(entry: JsonObject): string {
  const field = (name: string) => asString(at(entry, "objectRef", name)) ?? "";
  const subresource = field("subresource") === "" ? "" : `/${field("subresource")}`;
  return `${entry["verb"]} ${field("resource")}${subresource} ${field("name")} ${at(entry, "responseStatus", "code")}`;
}
