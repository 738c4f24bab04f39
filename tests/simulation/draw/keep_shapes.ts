/** Only our webhook forbids other replicatedJobs, and nothing says what becomes of a JobSet that gets them. */
import { asArray, at, type JsonObject } from "../../../src/base/json.ts";
import type { JobSetPlay, Operation } from "../types.ts";

/**
 * An edit names all replicatedJobs as they were to be by then. Where a JobSet is made anew with others, either of the two may come
 * later than the other: such edits become harmless ones.
 */
export function keepShapes(jobSets: readonly JobSetPlay[], operations: readonly Operation[]): Operation[] {
  const shapes = new Map<unknown, Set<string>>();
  const note = (object: JsonObject) => {
    const name = at(object, "metadata", "name");
    const known = shapes.get(name) ?? new Set();
    shapes.set(name, known.add(shapeOf(object)));
  };
  for (const { object } of jobSets) note(object);
  for (const operation of operations) {
    if (operation.kind === "recreate" && operation.object !== undefined) note(operation.object);
  }
  return operations.map((operation) => {
    const isUnsafe = operation.kind === "edit" && at(operation.patch, "spec", "replicatedJobs") !== undefined &&
      shapes.get(operation.jobSet)?.size !== 1;
    return isUnsafe ? { ...operation, patch: { metadata: { labels: { edited: "yes" } } } } : operation;
  });
}

/** What the webhook lets nobody change. */
function shapeOf(object: JsonObject): string {
  return asArray(at(object, "spec", "replicatedJobs"))
    .map((entry) => `${String(at(entry, "name"))} ${String(at(entry, "replicas"))}`)
    .join();
}
