/** R28: a CRD that is older than this executable is told of, not silently lived with. */
import { messageOf } from "../base/message_of.ts";
import { type Clock, sleep } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { missingFields } from "../api/crd/missing_fields.ts";
import { type JobSet, terminalCondition } from "../api/job_set.ts";
import { API_VERSION } from "../api/keys.ts";
import type { KubeClient } from "../client/kube_client.ts";
import type { EventDraft } from "../plan/types.ts";

/** A CRD in order may still be replaced by an older one, as some installers do. */
const CHECK_MS = 600_000;
/** One that is outdated is about to be replaced. */
const RECHECK_MS = 15_000;
/** Field paths in a message; the rest is a number. */
const NAMED_FIELDS = 5;
/** JobSets remembered as told; the oldest is forgotten beyond this. */
const MAX_TOLD = 10_000;

/** By force: the versions of a CRD have one owner, and an older one comes from whatever installed it. */
const REMEDY =
  "apply the CRD of this version: jobset manifests --crds-only | kubectl apply --server-side --force-conflicts -f -";

export interface CrdCheckOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Told after each check, for the gauge `jobset_crd_outdated`. */
  readonly onChecked: (isOutdated: boolean) => void;
}

/** Compares the schema that the API server publishes with the fields that this executable knows, again and again. */
export class CrdCheck {
  readonly #options: CrdCheckOptions;
  readonly #told = new Set<string>();
  readonly #listeners: (() => void)[] = [];
  #missing: readonly string[] = [];
  /** Checks since the last one that told anything. */
  #unanswered = 0;

  constructor(options: CrdCheckOptions) {
    this.#options = options;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.#check(signal);
      await sleep(clock, this.#pauseMs(), signal).catch(() => undefined);
    }
  }

  /** A CRD that was applied a moment ago is published some seconds later. */
  #pauseMs(): number {
    if (this.#unanswered > 0) return Math.min(RECHECK_MS * 2 ** (this.#unanswered - 1), CHECK_MS);
    return this.#missing.length > 0 ? RECHECK_MS : CHECK_MS;
  }

  /** Calls `listener` whenever the CRD is found to lack fields that it did not lack before. */
  onOutdated(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** What to tell an unfinished JobSet that we manage: once each, and only while the CRD is outdated. */
  eventFor(jobSet: JobSet): EventDraft | undefined {
    const isConcerned = jobSet.isManagedHere && !jobSet.isDeleting && terminalCondition(jobSet.status) === undefined;
    if (this.#missing.length === 0 || !isConcerned || this.#told.has(jobSet.uid)) return undefined;
    this.#told.add(jobSet.uid);
    for (const oldest of this.#told) {
      if (this.#told.size <= MAX_TOLD) break;
      this.#told.delete(oldest);
    }
    return { type: "Warning", reason: "CRDOutdated", note: describe(this.#missing) };
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { client, log, onChecked } = this.#options;
    let document: unknown;
    this.#unanswered++;
    try {
      document = await client.request({ method: "GET", path: `/openapi/v3/apis/${API_VERSION}`, signal });
    } catch (error) {
      // Without the document nothing can be said: watching JobSets tells of a missing CRD or a server that is away.
      return log.info(1, "the CRD could not be checked", {
        error: messageOf(error),
      });
    }
    const missing = missingFields(document);
    if (missing === undefined) return;
    this.#unanswered = 0;
    const isNews = missing.length > 0 && String(missing) !== String(this.#missing);
    if (isNews) {
      log.error("the CRD is older than this controller: fields are dropped", {
        missing: list(missing),
        remedy: REMEDY,
      });
    }
    if (missing.length === 0 && this.#missing.length > 0) {
      log.info(0, "the CRD has all fields now");
      this.#told.clear();
    }
    this.#missing = missing;
    onChecked(missing.length > 0);
    if (!isNews) return;
    for (const listener of this.#listeners) listener();
  }
}

function describe(missing: readonly string[]): string {
  return `the CRD jobsets.jobset.x-k8s.io is older than the controller, fields are dropped: ${
    list(missing)
  }; ${REMEDY}`;
}

function list(missing: readonly string[]): string {
  const rest = missing.length > NAMED_FIELDS ? ` and ${missing.length - NAMED_FIELDS} more` : "";
  return missing.slice(0, NAMED_FIELDS).join(", ") + rest;
}
