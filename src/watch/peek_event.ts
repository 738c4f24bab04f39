/** Which object an event was about. */
export interface WatchedIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface PeekedEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly identity: WatchedIdentity;
}

const KIND_FIRST = ',"object":{"kind":"';

/** As API servers write built-in kinds: in the order of the fields of their Go types. */
const HEAD =
  /^\{"type":"(ADDED|MODIFIED|DELETED)","object":\{"kind":"\w+","apiVersion":"[\w./-]+","metadata":\{"name":"([^"\\]+)","namespace":"([^"\\]+)","uid":"([^"\\]+)","resourceVersion":"(\d+)"/;

/**
 * What the beginning of an event's text tells, for those who need no more: parsing 7 KB of a Job takes 30 times as long.
 * Undefined where it is written otherwise, such as for custom resources: then it must be parsed.
 */
export function peekEvent(text: string): PeekedEvent | undefined {
  // Custom resources begin with their apiVersion.
  if (!text.startsWith(KIND_FIRST, text.indexOf(","))) return undefined;
  const [, type, name, namespace, uid, resourceVersion] = HEAD.exec(text) ?? [];
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") return undefined;
  if (name === undefined || namespace === undefined || uid === undefined || resourceVersion === undefined) {
    return undefined;
  }
  return text.endsWith("}}") ? { type, identity: { namespace, name, uid, resourceVersion } } : undefined;
}
