/** What the failure policy did, and when: the words above a picture. Pure. */
import { asArray, asInteger, asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Moment } from "./picture.ts";
import type { Frame } from "./recorder.ts";

const SUFFIX = "FailurePolicyAction";

/** A moment for each Event of an action, with the counts that the JobSet's status had by then. */
export function policyMoments(frames: readonly Frame[]): readonly Moment[] {
  const seen = new Set<string>();
  return frames.flatMap(({ kind, object, atMs }): readonly Moment[] => {
    const reason = asString(object["reason"]) ?? "";
    if (kind !== "Event" || !reason.endsWith(SUFFIX) || at(object, "regarding", "kind") !== "JobSet") return [];
    // A later write of the same Event merges a repeat into its series: that is a moment, too.
    const key = `${reason} ${asString(at(object, "metadata", "uid"))} ${String(at(object, "series", "count"))}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const jobSet = frames.findLast((frame) =>
      frame.kind === "JobSet" && frame.atMs <= atMs && at(frame.object, "metadata", "name") === nameOf(object)
    );
    return [{ atMs, text: `${reason.slice(0, -SUFFIX.length)}: ${counts(jobSet?.object)}` }];
  });
}

function nameOf(event: JsonObject): string | undefined {
  return asString(at(event, "regarding", "name"));
}

function counts(jobSet: JsonObject | undefined): string {
  const status = at(jobSet, "status");
  if (asString(at(status, "terminalState")) === "Failed") return "the JobSet fails";
  const restarts = asInteger(at(status, "restarts")) ?? 0;
  const ofJobs = asArray(at(status, "replicatedJobsStatus")).flatMap((entry) =>
    asArray(at(entry, "jobRestartsCountTowardsMax"))
  ).reduce<number>((sum, count) => sum + (asInteger(count) ?? 0), 0);
  const counted = (asInteger(at(status, "restartsCountTowardsMax")) ?? 0) + ofJobs;
  const max = asInteger(at(jobSet, "spec", "failurePolicy", "maxRestarts")) ?? 0;
  return `restarts ${restarts}, ${counted} of ${max} counted`;
}
