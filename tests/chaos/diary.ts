/** What was seen of each JobSet, in lines: for those who read why something is wrong. */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { jobFacts, jobSetFacts } from "./facts.ts";
import type { Frame } from "./frame.ts";

const MAX_LINES = 3_000;

export class Diary {
  readonly #lines = new Map<string, string[]>();

  onFrame(frame: Frame): void {
    const label = asString(at(frame.object, "metadata", "labels", "jobset.sigs.k8s.io/jobset-name"));
    this.#add(frame.kind === "JobSet" ? frame.name : label ?? "", `${frame.revision} ${frame.verb} ${wording(frame)}`);
  }

  /** What happened to all of them. */
  note(line: string): void {
    this.#add("", line);
  }

  /** Everything about a JobSet, and what happened to all, in order of time. */
  of(jobSet: string): readonly string[] {
    return [...new Set([jobSet, ""])].flatMap((name) => this.#lines.get(name) ?? []).toSorted();
  }

  #add(jobSet: string, text: string): void {
    const lines = this.#lines.get(jobSet) ?? [];
    this.#lines.set(jobSet, lines);
    lines.push(`${new Date().toISOString()} ${text}`);
    if (lines.length > MAX_LINES) lines.shift();
  }
}

/** A line of the audit log. */
export function auditLine(entry: JsonObject): string {
  const ref = (field: string) => asString(at(entry, "objectRef", field)) ?? "";
  const subresource = ref("subresource") === "" ? "" : `/${ref("subresource")}`;
  return `${asString(entry["requestReceivedTimestamp"])} audit: ${asString(entry["verb"])} ${
    ref("resource")
  }${subresource} ` +
    `${ref("name")} ${String(at(entry, "responseStatus", "code"))} ${asString(entry["stageTimestamp"])}`;
}

function wording({ kind, object }: Frame): string {
  if (kind === "JobSet") {
    const { uid, restarts, counted, terminalState, isSuspended, isDeleting, conditions } = jobSetFacts(object);
    const list = Object.entries(conditions).map(([type, { status }]) => `${type}=${status}`).join(" ");
    const counters = JSON.stringify(at(object, "status", "replicatedJobsStatus") ?? []);
    return `JobSet ${uid} restarts=${restarts}/${counted} ${terminalState}${isSuspended ? " suspended" : ""}${
      isDeleting ? " going" : ""
    } [${list}] ${counters}`;
  }
  const job = jobFacts(object);
  return `Job ${job.name} ${job.uid} of ${job.ownerUid} attempt=${job.attempt}${job.isSuspended ? " suspended" : ""}${
    job.isDeleting ? " going" : ""
  } [${job.conditions.join(" ")}] active=${job.active} ready=${job.ready} succeeded=${job.succeeded}`;
}
