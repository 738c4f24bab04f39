/** What is not ours stays untouched, events tell what happened, and nothing is written without a cause (spec 3, 3.10, 7.7). */
import { asString, at, type JsonObject } from "../../../src/base/json.ts";
import type { Bench, Theme } from "./theme.ts";
import { type Change, isController, type JobSetRecord } from "./truth.ts";

/** Events of conditions: each tells of a write that took effect. */
const CONDITION_REASONS = new Set([
  "AllJobsCompleted",
  "FailedJobs",
  "ReachedMaxRestarts",
  "SuspendedJobs",
  "ResumeJobs",
  "JobsReady",
  "JobSetFailed",
  "JobSetCompleted",
  "JobSetSuspended",
  "InOrderStartupPolicyInProgress",
  "InOrderStartupPolicyCompleted",
]);

/** Without the annotation force-delete-after, and without placement by affinity, Pods are none of our business. */
const NOT_OURS: ReadonlySet<string> = new Set(["pods", "nodes", "priorityclasses"]);

export function bystandersTheme(bench: Bench): Theme {
  let isQuiet = false;
  return {
    onChange(change) {
      const { write } = change;
      if (write.resource === "leases") return;
      if (!isController(write.user)) {
        isQuiet = false;
        return;
      }
      if (isQuiet) {
        // A time to live that ends in the quiet is no disturbance, but ends it.
        if (change.kind === "jobSet" && change.after?.isDeleting !== false) isQuiet = false;
        else bench.report("no write in a quiet world", whatOf(change));
      }
      if (NOT_OURS.has(write.resource)) bench.report("foreign objects", whatOf(change));
      checkForeign(bench, change);
      if (write.resource === "events") checkEvent(bench, write.after);
    },
    atRest() {
      isQuiet = true;
    },
  };
}

function whatOf({ write: { user, verb, resource, subresource, after, before } }: Change): string {
  const name = asString(at(after ?? before, "metadata", "name")) ?? "";
  return `${user}: ${verb} ${resource}${subresource === undefined ? "" : "/status"} ${name}`;
}

/** R39, R40. */
function checkForeign({ report, truth }: Bench, change: Change): void {
  const record = change.kind === "other" ? ownerOf(truth.jobSets, change) : change.record;
  if (record?.facts.isForeign === true) report("foreign JobSets", whatOf(change));
}

function ownerOf(jobSets: ReadonlyMap<string, JobSetRecord>, { write }: Change): JobSetRecord | undefined {
  const object = write.after ?? write.before;
  const references = at(object, "metadata", "ownerReferences");
  const uid = write.resource === "events"
    ? at(object, "regarding", "uid")
    : at(Array.isArray(references) ? references[0] : undefined, "uid");
  return typeof uid === "string" ? jobSets.get(uid) : undefined;
}

function checkEvent({ report, truth }: Bench, event: JsonObject | undefined): void {
  if (event === undefined) return;
  const regarding = event["regarding"];
  const reason = asString(event["reason"]) ?? "";
  const record = truth.jobSets.get(asString(at(regarding, "uid")) ?? "");
  const isTrue = record !== undefined && at(regarding, "name") === record.facts.name &&
    at(regarding, "namespace") === record.facts.namespace;
  if (!isTrue) return report("events", `${reason} regards ${JSON.stringify(regarding)}, which never was`);
  const told = `${reason}: ${asString(event["note"]) ?? ""}`;
  if (CONDITION_REASONS.has(reason) && !record.told.has(told)) {
    report("events", `${record.facts.name} was never ${told}`);
  }
}
