/** What the simulated API server refuses, in the words of the real one. */
import type { JsonObject } from "../../../src/base/json.ts";
import { goJson, goQuote } from "../../../src/admission/go_text.ts";
import type { ResourceInfo } from "./resource_info.ts";

/** A request that was refused: its HTTP code and Status. */
export class ServerRefusal extends Error {
  override readonly name = "ServerRefusal";
  readonly status: number;
  readonly reason: string;
  readonly body: JsonObject;

  constructor(status: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.body = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason === "" ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code: status,
    };
  }
}

/** One mistake of an object. `message` as a cause has it: `Invalid value: "x": why`. */
export interface FieldCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export function invalidField(field: string, value: unknown, why: string): FieldCause {
  const shown = typeof value === "string" ? goQuote(value) : goJson(value ?? null);
  return { reason: "FieldValueInvalid", message: `Invalid value: ${shown}: ${why}`, field };
}

/** A mistake that shows no value. */
export function plainInvalid(field: string, why: string): FieldCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${why}`, field };
}

export function requiredField(field: string, why = ""): FieldCause {
  return { reason: "FieldValueRequired", message: `Required value${why === "" ? "" : `: ${why}`}`, field };
}

export function forbiddenField(field: string, why: string): FieldCause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field };
}

export function unsupportedField(field: string, value: unknown, supported: readonly string[]): FieldCause {
  const shown = typeof value === "string" ? goQuote(value) : goJson(value ?? null);
  const message = `Unsupported value: ${shown}: supported values: ${supported.map(goQuote).join(", ")}`;
  return { reason: "FieldValueNotSupported", message, field };
}

export function badRequest(message: string): ServerRefusal {
  return new ServerRefusal(400, "BadRequest", message);
}

export function notFound(info: ResourceInfo, name: string): ServerRefusal {
  return new ServerRefusal(404, "NotFound", `${qualified(info)} "${name}" not found`, details(info, name));
}

export function alreadyExists(info: ResourceInfo, name: string): ServerRefusal {
  return new ServerRefusal(409, "AlreadyExists", `${qualified(info)} "${name}" already exists`, details(info, name));
}

const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

export function conflict(info: ResourceInfo, name: string, why = MODIFIED): ServerRefusal {
  const message = `Operation cannot be fulfilled on ${qualified(info)} "${name}": ${why}`;
  return new ServerRefusal(409, "Conflict", message, details(info, name));
}

export function alreadyBound(pod: string, node: string): ServerRefusal {
  const message =
    `Operation cannot be fulfilled on pods/binding "${pod}": pod ${pod} is already assigned to node "${node}"`;
  return new ServerRefusal(409, "Conflict", message, { name: pod, kind: "pods/binding" });
}

/** A delete names the kind where an update names the resource. */
export function deleteConflict(info: ResourceInfo, name: string, why: string): ServerRefusal {
  const message = `Operation cannot be fulfilled on ${kindOf(info)} "${name}": ${why}`;
  return new ServerRefusal(409, "Conflict", message, { ...details(info, name), kind: info.kind });
}

export function invalid(info: ResourceInfo, name: string, causes: readonly FieldCause[]): ServerRefusal {
  // Old API servers' names of Events are those of the core group.
  const group = info.resource === "events" ? "" : info.group;
  const named = { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: info.kind };
  const subject = group === "" ? info.kind : `${info.kind}.${group}`;
  return invalidObject(`${subject} "${name}"`, named, causes);
}

export function noResourceVersion(info: ResourceInfo, name: string): ServerRefusal {
  const cause = invalidField("metadata.resourceVersion", 0, "must be specified for an update");
  return invalidObject(`${qualified(info)} "${name}"`, details(info, name), [cause]);
}

/** What is wrong with the options of a request: `ListOptions`, `DeleteOptions`. */
export function invalidOptions(kind: string, cause: FieldCause): ServerRefusal {
  return invalidObject(`${kind}.meta.k8s.io ""`, { group: "meta.k8s.io", kind }, [cause]);
}

function invalidObject(subject: string, named: JsonObject, causes: readonly FieldCause[]): ServerRefusal {
  const texts = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const list = texts.length === 1 ? texts.join() : `[${texts.join(", ")}]`;
  return new ServerRefusal(422, "Invalid", `${subject} is invalid: ${list}`, { ...named, causes });
}

/** A JSON Patch that cannot be applied, or whose test failed. */
export function patchFailed(): ServerRefusal {
  return new ServerRefusal(422, "Invalid", "the server rejected our request due to an error in our request", {});
}

export function tooOld(asked: number, oldest: number): ServerRefusal {
  return new ServerRefusal(410, "Expired", `too old resource version: ${asked} (${oldest})`);
}

const EXPIRED_CONTINUE = "The provided continue parameter is too old to display a consistent list result. " +
  "You can start a new list without the continue parameter.";

export function expiredContinue(): ServerRefusal {
  return new ServerRefusal(410, "Expired", EXPIRED_CONTINUE);
}

export function tooLargeVersion(asked: number, current: number): ServerRefusal {
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return new ServerRefusal(504, "Timeout", message, { causes, retryAfterSeconds: 1 });
}

export function notServed(): ServerRefusal {
  return new ServerRefusal(404, "NotFound", "the server could not find the requested resource", {});
}

export function notAllowed(info: ResourceInfo, verb: string): ServerRefusal {
  const message = `${verb.toLowerCase()} is not supported on resources of kind "${qualified(info)}"`;
  return new ServerRefusal(405, "MethodNotAllowed", message, details(info, ""));
}

export function unsupportedMediaType(accepted: readonly string[]): ServerRefusal {
  const message = "the body of the request was in an unknown format - accepted media types include: " +
    accepted.join(", ");
  return new ServerRefusal(415, "UnsupportedMediaType", message);
}

function details({ group, resource }: ResourceInfo, name: string): JsonObject {
  return { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: resource };
}

function qualified({ group, resource }: ResourceInfo): string {
  return group === "" ? resource : `${resource}.${group}`;
}

function kindOf({ group, kind }: ResourceInfo): string {
  return group === "" ? kind : `${kind}.${group}`;
}
