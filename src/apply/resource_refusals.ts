/** Child Jobs that refuse their new resources (spec 3.8), and the event that tells of them. */
import { isForbidden, isInvalid } from "../client/api_error.ts";
import { messageOf } from "../base/message_of.ts";
import { asObject } from "../base/json.ts";
import { type Job, readJob, takesTemplate } from "../api/job.ts";
import type { JobPatch } from "../plan/types.ts";
import type { EffectContext } from "./effect_context.ts";
import { cutBytes } from "./event_body.ts";
import { getJob } from "./requests.ts";

const BEFORE = "Failed to propagate mutated resources to child Job: ";
const AFTER = ". Ensure MutablePodResourcesForSuspendedJobs is enabled on the API server.";
/** The API server quotes the whole template and says at the end what is wrong with it; a note has 1,024 bytes. */
const MAX_ERROR_CHARACTERS = 600;
const KEPT_END_CHARACTERS = 200;
const MAX_ERROR_BYTES = 1024 - BEFORE.length - AFTER.length;

export class ResourceRefusals {
  readonly #context: EffectContext;
  /** One Job speaks for all that refuse, so that its tries make one series of one Event. */
  #speaker: { readonly name: string; readonly uid: string } | undefined;

  constructor(context: EffectContext) {
    this.#context = context;
  }

  /** After a resume was tried on a Job that had been `seen` so; `error` is undefined where it succeeded. */
  async settle({ name, uid, change }: JobPatch, seen: Job | undefined, error: unknown): Promise<void> {
    if (error === undefined && this.#speaker?.uid === uid) this.#speaker = undefined;
    const isRefused = isInvalid(error) || isForbidden(error);
    if (!isRefused || change.kind !== "resume" || change.resources === undefined) return;
    // Asked twice, for many Jobs are refused at the same time.
    if (seen === undefined || this.#hasOtherSpeaker(seen)) return;
    if (!await this.#isAsSeen(seen, change.clearStartTime) || this.#hasOtherSpeaker(seen)) return;
    this.#speaker = { name, uid };
    this.#context.emit({ type: "Warning", reason: "FailedResourcePropagation", note: noteOf(messageOf(error)) });
  }

  /** One that still waits to be resumed. */
  #hasOtherSpeaker({ namespace, uid }: Job): boolean {
    const speaker = this.#speaker;
    if (speaker === undefined || speaker.uid === uid) return false;
    const job = this.#context.jobs.get(namespace, speaker.name);
    return job?.uid === speaker.uid && job.suspend;
  }

  /**
   * A Job that is not ready for another template refuses in the same words. We asked because we saw it suspended and without
   * Pods: if it is so still, and nothing but our own request has changed it, it was no such refusal.
   */
  async #isAsSeen({ namespace, name, resourceVersion }: Job, isChangedByUs: boolean): Promise<boolean> {
    try {
      const job = readJob(asObject(await this.#context.request(getJob(namespace, name))) ?? {});
      return job !== undefined && takesTemplate(job) && (isChangedByUs || job.resourceVersion === resourceVersion);
    } catch {
      return false; // Not told now; the next try asks again.
    }
  }
}

function noteOf(error: string): string {
  const text = error.replace(/\.+$/, "");
  const isLong = text.length > MAX_ERROR_CHARACTERS + KEPT_END_CHARACTERS;
  const cut = isLong ? `${text.slice(0, MAX_ERROR_CHARACTERS)} … ${text.slice(-KEPT_END_CHARACTERS)}` : text;
  return BEFORE + cutBytes(cut, MAX_ERROR_BYTES) + AFTER;
}
