import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import { ApiError, apiErrorFromStatus } from "../client/api_error.ts";

/** One line of a watch stream, as far as the watch itself must understand it. */
export type WatchLine =
  | { readonly kind: "upsert" | "delete"; readonly object: JsonObject; readonly resourceVersion: string }
  | { readonly kind: "bookmark"; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly kind: "error"; readonly error: ApiError }
  | { readonly kind: "broken"; readonly error: ApiError };

/** Reads a line. What is no event of the watch protocol is "broken", never passed over: an event may have been lost. */
export function parseWatchLine(text: string): WatchLine {
  const parsed = parseJson(text);
  const object = asObject(at(parsed, "object"));
  const type = asString(at(parsed, "type"));
  if (object === undefined || type === undefined) return broken(text, "no watch event");
  if (type === "ERROR") return { kind: "error", error: apiErrorFromStatus(object) };
  const resourceVersion = asString(at(object, "metadata", "resourceVersion"));
  if (!resourceVersion) return broken(text, "an event without resourceVersion");
  switch (type) {
    case "ADDED":
    case "MODIFIED":
      return { kind: "upsert", object, resourceVersion };
    case "DELETED":
      return { kind: "delete", object, resourceVersion };
    case "BOOKMARK": {
      const mark = at(object, "metadata", "annotations", "k8s.io/initial-events-end");
      return { kind: "bookmark", resourceVersion, initialEventsEnd: mark === "true" };
    }
    default:
      return broken(text, `an event of unknown type "${type}"`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller makes it a broken line, with its text.
  }
}

function broken(text: string, found: string): WatchLine {
  return brokenLine(`${found}: ${text.slice(0, 80)}`);
}

/** The line that ends a stream that cannot be understood any further. */
export function brokenLine(found: string): WatchLine {
  return {
    kind: "broken",
    error: new ApiError({ status: 0, reason: "BadAnswer", message: `read a watch event: ${found}` }),
  };
}
