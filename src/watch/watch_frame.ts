import { asString, at } from "../base/json.ts";
import { type ProtobufTable, readProtobuf } from "../base/protobuf.ts";
import { apiErrorFromStatus } from "../client/api_error.ts";
import { readStatus, unwrap } from "../client/kube_protobuf.ts";
import type { WatchedIdentity } from "./peek_event.ts";
import { brokenLine, readWatchEvent, type WatchLine } from "./watch_line.ts";

/** meta/v1 WatchEvent; its object is in an envelope. */
const EVENT: ProtobufTable = {
  1: { name: "type", type: "string" },
  2: { name: "object", type: { 1: { name: "raw", type: "bytes" } } },
};

/** Of any object what tells which one it is. */
const IDENTITY: ProtobufTable = {
  1: {
    name: "metadata",
    type: {
      1: { name: "name", type: "string" },
      3: { name: "namespace", type: "string" },
      5: { name: "uid", type: "string" },
      6: { name: "resourceVersion", type: "string" },
    },
  },
};

const BOOKMARK: ProtobufTable = {
  1: {
    name: "metadata",
    type: { 6: { name: "resourceVersion", type: "string" }, 12: { name: "annotations", type: "stringMap" } },
  },
};

export interface WatchFrameOptions {
  /** Of the objects that are watched. */
  readonly table: ProtobufTable;
  /** Whether an event brings nothing new: no more than its version is read. */
  readonly isKnown: (identity: WatchedIdentity) => boolean;
}

/** Reads an event in protobuf; as with lines, what is none is "broken". */
export function readWatchFrame(frame: Uint8Array, { table, isKnown }: WatchFrameOptions): WatchLine {
  try {
    const event = readProtobuf(frame, EVENT);
    const type = asString(event["type"]);
    const raw = at(event, "object", "raw");
    const wrapped = raw instanceof Uint8Array ? raw : new Uint8Array();
    if (type === "ERROR") return { kind: "error", error: apiErrorFromStatus(readStatus(wrapped)) };
    const bytes = unwrap(wrapped);
    const read = (as: ProtobufTable) => readWatchEvent({ type, object: readProtobuf(bytes, as) }, `type "${type}"`);
    if (type === "BOOKMARK") return read(BOOKMARK);
    if (type === "DELETED") return read(IDENTITY);
    const resourceVersion = knownVersion(bytes, isKnown);
    return resourceVersion === undefined ? read(table) : { kind: "bookmark", resourceVersion, initialEventsEnd: false };
  } catch (error) {
    return brokenLine(String(error));
  }
}

function knownVersion(bytes: Uint8Array, isKnown: WatchFrameOptions["isKnown"]): string | undefined {
  const { metadata } = readProtobuf(bytes, IDENTITY);
  const field = (name: string) => asString(at(metadata, name)) ?? "";
  const resourceVersion = field("resourceVersion");
  const identity = { namespace: field("namespace"), name: field("name"), uid: field("uid"), resourceVersion };
  return isKnown(identity) ? resourceVersion : undefined;
}
