/** Kubernetes' own wrapping of protobuf, and the messages that every resource shares. */
import type { JsonObject } from "../base/json.ts";
import { type ProtobufTable, readProtobuf } from "../base/protobuf.ts";

/** JSON is taken too: from servers and proxies that know no protobuf. */
export const PROTOBUF_ACCEPT = "application/vnd.kubernetes.protobuf,application/json";

/** What a message behind its envelope begins with: "k8s" and a zero. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];

const ENVELOPE: ProtobufTable = { 2: { name: "raw", type: "bytes" } };

const CAUSE: ProtobufTable = {
  1: { name: "reason", type: "string" },
  2: { name: "message", type: "string" },
  3: { name: "field", type: "string" },
};

/** meta/v1 Status */
const STATUS: ProtobufTable = {
  2: { name: "status", type: "string" },
  3: { name: "message", type: "string" },
  4: { name: "reason", type: "string" },
  5: {
    name: "details",
    type: {
      1: { name: "name", type: "string" },
      2: { name: "group", type: "string" },
      3: { name: "kind", type: "string" },
      4: { name: "causes", type: CAUSE, isList: true },
      5: { name: "retryAfterSeconds", type: "integer" },
    },
  },
  6: { name: "code", type: "integer" },
};

export function isProtobuf(contentType: string | null): boolean {
  return contentType?.startsWith("application/vnd.kubernetes.protobuf") === true;
}

/** The bytes of the object in an envelope. Throws a RangeError where there is none. */
export function unwrap(bytes: Uint8Array): Uint8Array {
  const isWrapped = MAGIC.every((byte, index) => bytes[index] === byte);
  const raw = isWrapped ? readProtobuf(bytes.subarray(MAGIC.length), ENVELOPE)["raw"] : undefined;
  if (!isWrapped) throw new RangeError("read protobuf: no Kubernetes object");
  return raw instanceof Uint8Array ? raw : new Uint8Array();
}

/** The Status in an envelope, as its JSON would be: what an error's body says. */
export function readStatus(bytes: Uint8Array): JsonObject {
  return { kind: "Status", ...readProtobuf(unwrap(bytes), STATUS) };
}
