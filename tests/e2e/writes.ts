import { asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Cluster } from "./cluster.ts";

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
