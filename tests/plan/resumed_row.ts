/** What suspending and resuming requests make of a Job's row in the golden cases. */
import { asArray, asObject, at, type JsonObject } from "../../src/base/json.ts";
import type { JobChange } from "../../src/plan/types.ts";

type Resume = Extract<JobChange, { readonly kind: "resume" }>;

/** The row's annotation execution-attempt, where the request sets it. */
export function markOf({ executionAttempt }: { readonly executionAttempt?: number }): JsonObject {
  return executionAttempt === undefined ? {} : { execution: String(executionAttempt) };
}

/** The fields of the row that the request changes. */
export function resumedRow(row: JsonObject | undefined, change: Resume): JsonObject {
  const cleared = change.clearStartTime ? { started: false } : {};
  return { suspend: false, ...cleared, ...markOf(change), template: resumedTemplate(row, change) };
}

function resumedTemplate(row: JsonObject | undefined, { scheduling, resources = [] }: Resume): JsonObject {
  const old = asObject(row?.["template"]) ?? {};
  const spec: Record<string, unknown> = { ...asObject(old["spec"]) };
  for (const { list, index, requests, limits } of resources) {
    const changed = (container: unknown) => ({
      ...asObject(container),
      resources: { ...asObject(at(container, "resources")), requests, limits },
    });
    spec[list] = asArray(spec[list]).map((container, at) => at === index ? changed(container) : container);
  }
  if (scheduling === undefined) return { ...old, spec };
  const { labels, annotations, ...rest } = scheduling;
  return { metadata: { labels, annotations }, spec: { ...spec, ...rest } };
}
