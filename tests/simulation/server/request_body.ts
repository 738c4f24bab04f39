import { asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import type { ResourceInfo } from "./resource_info.ts";
import { badRequest, invalid, invalidField } from "./server_refusal.ts";

/** The object that a body holds, of the kind that the path is for. Nulls are left out, as typed clients' decoders do. */
export function readBody(info: ResourceInfo, body: string | undefined): JsonObject {
  const object = asObject(parse(info, body ?? ""));
  if (object === undefined) throw unrecognized(info, body ?? "");
  const kind = asString(object["kind"]);
  if (kind === undefined && info.isCustom) throw unrecognized(info, body ?? "");
  if (kind !== undefined && kind !== info.kind) throw otherKind(info, { kind, object });
  return body?.includes("null") ? withoutNulls(object) : object;
}

function parse(info: ResourceInfo, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw unrecognized(info, body);
  }
}

function unrecognized({ kind }: ResourceInfo, body: string) {
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind (${body.slice(0, 100)})`,
  );
}

function otherKind(
  info: ResourceInfo,
  { kind, object }: { readonly kind: string; readonly object: JsonObject },
) {
  if (!info.isCustom) return badRequest(`${kind} in version "${info.apiVersion}" cannot be handled as a ${info.kind}`);
  const name = asString(asObject(object["metadata"])?.["name"]) ?? "";
  return invalid({ ...info, kind }, name, [invalidField("kind", kind, `must be ${info.kind}`)]);
}

function withoutNulls(object: JsonObject): JsonObject {
  const made: Record<string, unknown> = {};
  for (const field in object) {
    const value = object[field];
    if (value === null) continue;
    made[field] = Array.isArray(value) ? value.map(cleaned) : cleaned(value);
  }
  return made;
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  const object = asObject(value);
  return object === undefined ? value : withoutNulls(object);
}
