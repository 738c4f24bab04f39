/** What the cache keeps of a Service: that it exists, and whom it belongs to. */
import { asObject, asString, type JsonObject } from "../base/json.ts";
import { controllerJobSet } from "./job.ts";
import { objectKey } from "./names.ts";

export interface Service {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** `namespace/name` of the JobSet that controls it, if one does. */
  readonly ownerKey?: string;
}

/** Trims a Service, or the metadata of one. */
export function readService(body: JsonObject): Service | undefined {
  const metadata = asObject(body["metadata"]);
  const namespace = asString(metadata?.["namespace"]);
  const name = asString(metadata?.["name"]);
  const uid = asString(metadata?.["uid"]);
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  const owner = controllerJobSet(metadata);
  return {
    namespace,
    name,
    uid,
    resourceVersion: asString(metadata?.["resourceVersion"]) ?? "",
    ...(owner === undefined ? {} : { ownerKey: objectKey(namespace, owner.name) }),
  };
}
