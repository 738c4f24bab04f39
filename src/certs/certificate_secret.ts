/** The Secret that all replicas share (spec 6.2). */
import { asObject, asString, at, type JsonObject } from "../base/json.ts";
import { type CertificateFacts, readFacts } from "./certificate_facts.ts";
import type { CertificateSet } from "./certificate_plan.ts";
import { bundleText } from "./webhook_configuration.ts";

export interface CertificateSecret {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly facts: CertificateFacts;
  /** The whole object, so that an update keeps what others put into it. */
  readonly object: JsonObject;
}

export function readCertificateSecret(object: JsonObject): CertificateSecret {
  // managedFields is half of the object; left out of an update, it stays as it is.
  const { managedFields: _, ...metadata } = asObject(object["metadata"]) ?? {};
  const field = (name: string) => asString(at(metadata, name)) ?? "";
  const text = (key: string) => Buffer.from(asString(at(object, "data", key)) ?? "", "base64").toString("utf8");
  return {
    namespace: field("namespace"),
    name: field("name"),
    uid: field("uid"),
    resourceVersion: field("resourceVersion"),
    facts: readFacts({
      caCrt: text("ca.crt"),
      caKey: text("ca.key"),
      tlsCrt: text("tls.crt"),
      tlsKey: text("tls.key"),
    }),
    object: { ...object, metadata },
  };
}

/** The Secret with this set in it: the one that was read, with its resourceVersion, or a new one. */
export function secretBody(
  set: CertificateSet,
  { namespace, name, present }: { namespace: string; name: string; present: CertificateSecret | undefined },
): JsonObject {
  const { authority, previous, server } = set;
  const encode = (text: string) => Buffer.from(text).toString("base64");
  const fresh: JsonObject = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, type: "Opaque" };
  const object: JsonObject = present?.object ?? fresh;
  return {
    ...object,
    data: {
      ...asObject(object["data"]),
      "ca.crt": encode(bundleText([authority, ...previous])),
      "ca.key": encode(authority.keyPem),
      "tls.crt": encode(server.certPem),
      "tls.key": encode(server.keyPem),
    },
  };
}
