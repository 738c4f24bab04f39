/**
 * X.509 certificates as DER (RFC 5280), written by ourselves: the library for it costs 14 MB of memory once it is loaded, and none of
 * that comes back. Keys and signatures are OpenSSL's.
 */
import { type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import {
  bitString,
  boolean,
  elementsOf,
  integer,
  objectId,
  octetString,
  sequence,
  setOf,
  tagged,
  time,
  utf8String,
} from "./der.ts";

export const OID = {
  commonName: "2.5.4.3",
  organisation: "2.5.4.10",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  sha256WithRsa: "1.2.840.113549.1.1.11",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
} as const;

export interface CertificateParts {
  /** An AlgorithmIdentifier, of the signer's key with SHA-256. */
  readonly algorithm: Uint8Array;
  /** Distinguished names, as DER. */
  readonly issuerName: Uint8Array;
  readonly subjectName: Uint8Array;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly extensions: readonly Uint8Array[];
}

/** A whole certificate, version 3, with a random serial number. */
export function signedCertificate(parts: CertificateParts): Uint8Array {
  const { algorithm } = parts;
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(serial),
    algorithm,
    parts.issuerName,
    sequence(time(parts.from), time(parts.to)),
    parts.subjectName,
    parts.publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...parts.extensions)),
  );
  return sequence(toBeSigned, algorithm, bitString(sign("sha256", toBeSigned, parts.signer)));
}

export function distinguishedName(commonName: string, organisations: readonly string[]): Uint8Array {
  const attribute = (id: string, value: string) => setOf(sequence(objectId(id), utf8String(value)));
  return sequence(
    ...organisations.map((organisation) => attribute(OID.organisation, organisation)),
    attribute(OID.commonName, commonName),
  );
}

export function extension(id: string, value: Uint8Array, critical?: "critical"): Uint8Array {
  return sequence(objectId(id), ...(critical === undefined ? [] : [boolean(true)]), octetString(value));
}

/** One entry of the extension of that name: an IP address, else a DNS name. */
export function subjectAltName(name: string): Uint8Array {
  if (isIPv4(name)) return tagged(0x87, Buffer.from(name.split(".").map(Number)));
  if (isIPv6(name)) return tagged(0x87, ipv6Bytes(name));
  return tagged(0x82, Buffer.from(name, "ascii"));
}

/** The subject's name as a certificate has it, byte for byte: an issuer's name must be equal to it. */
export function subjectOf(certificate: Uint8Array): Uint8Array {
  const [whole] = elementsOf(certificate);
  const [toBeSigned] = elementsOf(whole?.content ?? certificate);
  const subject = elementsOf(toBeSigned?.content ?? certificate)[5];
  if (subject === undefined) throw new Error("read the CA's certificate: it has no subject");
  return subject.whole;
}

function ipv6Bytes(address: string): Uint8Array {
  // URL writes any form in hexadecimal groups with at most one "::".
  const [head = "", tail] = new URL(`https://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => text ? text.split(":") : [];
  const zeros = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(zeros).fill("0"), ...groups(tail)];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}
