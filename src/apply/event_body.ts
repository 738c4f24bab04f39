/** The bodies of `events.k8s.io/v1` Events (spec 3.10). */
import type { JsonObject } from "../base/json.ts";
import type { EventDraft } from "../plan/types.ts";

/** Limits of the Events API. */
export const MAX_NOTE_BYTES = 1024;
const MAX_REASON_CHARACTERS = 128;

export interface EventBodyOptions {
  readonly name: string;
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
  readonly draft: EventDraft;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly lastAt: number;
  readonly count: number;
  readonly instance: string;
}

export function eventBody(options: EventBodyOptions): JsonObject {
  const { name, regarding, draft, startedAt, instance } = options;
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name, namespace: regarding.namespace },
    eventTime: microTime(startedAt),
    reportingController: "jobset",
    reportingInstance: instance.slice(0, 128),
    action: "Reconciling",
    reason: draft.reason.slice(0, MAX_REASON_CHARACTERS),
    regarding,
    note: cutBytes(draft.note, MAX_NOTE_BYTES),
    type: draft.type,
    ...(options.count > 1 ? { series: seriesBody(options) } : {}),
  };
}

export function seriesBody({ count, lastAt }: { count: number; lastAt: number }): JsonObject {
  return { count, lastObservedTime: microTime(lastAt) };
}

/** Kubernetes' MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace(/Z$/, "000Z");
}

/** The text cut to so many bytes of UTF-8, never within a character. */
export function cutBytes(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return new TextDecoder().decode(bytes.subarray(0, end));
}
