/**
 * Makes the CA and the server certificate of spec 6.2: RSA 2048 as PKCS#1, so that a reference replica takes them too.
 *
 * Written as DER by ourselves: the library for it costs 14 MB of memory once it is loaded, and none of that comes back. What
 * comes out is read again by OpenSSL before it is used (certificate_facts.ts).
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import {
  bitString,
  boolean,
  integer,
  nothing,
  objectId,
  octetString,
  pem,
  sequence,
  setOf,
  tagged,
  time,
  utf8String,
} from "./der.ts";

/** The name of the CA: its common name and its DNS name. */
export const AUTHORITY_NAME = "jobset-ca";

const ORGANISATION = "jobset";
const HOUR_MS = 60 * 60 * 1000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const AUTHORITY_YEARS = 10;
/** Valid a little before now: the clocks of API server and replicas differ. */
const BACKDATED_MS = HOUR_MS;
/** RFC 5280: a common name is no longer than this. */
const MAX_COMMON_NAME = 64;

/** Who signs: the CA's own certificate and its key, both as PEM. */
export interface Issuer {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface CertificateMaker {
  makeAuthority(nowMs: number): Promise<Issuer>;
  makeServer(options: ServerOptions): Promise<ServingCertificate>;
}

export interface ServerOptions {
  readonly issuer: Issuer;
  /** DNS names and IP addresses; the first is the common name where it fits. */
  readonly names: readonly string[];
  readonly nowMs: number;
}

/** Makes what a reference replica accepts. */
export const certificateMaker: CertificateMaker = createCertificateMaker({ keyBits: 2048 });

/** With keys of another size, for tests: short ones are found at once. */
export function createCertificateMaker({ keyBits }: { readonly keyBits: number }): CertificateMaker {
  return {
    makeAuthority: async (nowMs) => makeAuthority(await makeKey(keyBits), nowMs),
    makeServer: async (options) => makeServer(await makeKey(keyBits), options),
  };
}

const OID = {
  commonName: "2.5.4.3",
  organisation: "2.5.4.10",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  sha256WithRsa: "1.2.840.113549.1.1.11",
};

/** digitalSignature, keyEncipherment and, for the CA, keyCertSign. */
const SERVER_USAGE = bitString(Buffer.of(0b1010_0000), 5);
const AUTHORITY_USAGE = bitString(Buffer.of(0b1010_0100), 2);

/** A new CA that is valid for ten years. */
function makeAuthority({ publicKey, privateKey }: KeyPair, nowMs: number): Issuer {
  const name = distinguishedName(AUTHORITY_NAME);
  const ownId = keyId(publicKey);
  const der = signed({
    issuerName: name,
    subjectName: name,
    publicKey,
    signer: privateKey,
    from: nowMs - BACKDATED_MS,
    to: nowMs + AUTHORITY_YEARS * YEAR_MS,
    extensions: [
      extension(OID.basicConstraints, sequence(boolean(true)), "critical"),
      extension(OID.keyUsage, AUTHORITY_USAGE, "critical"),
      extension(OID.extKeyUsage, sequence(objectId(OID.serverAuth))),
      extension(OID.subjectKeyId, octetString(ownId)),
      extension(OID.subjectAltName, sequence(subjectAltName(AUTHORITY_NAME))),
    ],
  });
  return { certPem: pem("CERTIFICATE", der), keyPem: pkcs1(privateKey) };
}

/** A server certificate for these names, valid for a year, though no longer than the CA. */
function makeServer({ publicKey, privateKey }: KeyPair, { issuer, names, nowMs }: ServerOptions): ServingCertificate {
  const authority = new X509Certificate(issuer.certPem);
  const [first = ORGANISATION] = names;
  const der = signed({
    issuerName: subjectOf(authority),
    subjectName: distinguishedName(first.length <= MAX_COMMON_NAME ? first : ORGANISATION),
    publicKey,
    signer: createPrivateKey(issuer.keyPem),
    from: nowMs - BACKDATED_MS,
    to: Math.min(nowMs + YEAR_MS, Date.parse(authority.validTo)),
    extensions: [
      extension(OID.basicConstraints, sequence(), "critical"),
      extension(OID.keyUsage, SERVER_USAGE, "critical"),
      extension(OID.extKeyUsage, sequence(objectId(OID.serverAuth))),
      extension(OID.subjectKeyId, octetString(keyId(publicKey))),
      extension(OID.authorityKeyId, sequence(tagged(0x80, keyId(authority.publicKey)))),
      extension(OID.subjectAltName, sequence(...names.map(subjectAltName))),
    ],
  });
  return { certPem: pem("CERTIFICATE", der), keyPem: pkcs1(privateKey) };
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Parts {
  /** Distinguished names, as DER. */
  readonly issuerName: Uint8Array;
  readonly subjectName: Uint8Array;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly from: number;
  readonly to: number;
  readonly extensions: readonly Uint8Array[];
}

function signed(parts: Parts): Uint8Array {
  const algorithm = sequence(objectId(OID.sha256WithRsa), nothing());
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

/** In a thread of the pool: the search for primes takes from 30 to 300 ms. */
function makeKey(keyBits: number): Promise<KeyPair> {
  return new Promise((resolve, reject) => {
    generateKeyPair("rsa", { modulusLength: keyBits }, (error, publicKey, privateKey) => {
      if (error === null) resolve({ publicKey, privateKey });
      else reject(error);
    });
  });
}

function pkcs1(key: KeyObject): string {
  return String(key.export({ type: "pkcs1", format: "pem" }));
}

/** RFC 5280, 4.2.1.2 (1): the SHA-1 of the key itself. */
function keyId(publicKey: KeyObject): Uint8Array {
  return createHash("sha1").update(publicKey.export({ type: "pkcs1", format: "der" })).digest();
}

function distinguishedName(commonName: string): Uint8Array {
  const attribute = (id: string, value: string) => setOf(sequence(objectId(id), utf8String(value)));
  return sequence(attribute(OID.organisation, ORGANISATION), attribute(OID.commonName, commonName));
}

function extension(id: string, value: Uint8Array, critical?: "critical"): Uint8Array {
  return sequence(objectId(id), ...(critical === undefined ? [] : [boolean(true)]), octetString(value));
}

function subjectAltName(name: string): Uint8Array {
  if (isIPv4(name)) return tagged(0x87, Buffer.from(name.split(".").map(Number)));
  if (isIPv6(name)) return tagged(0x87, ipv6Bytes(name));
  return tagged(0x82, Buffer.from(name, "ascii"));
}

function ipv6Bytes(address: string): Uint8Array {
  // URL writes any form in hexadecimal groups with at most one "::".
  const [head = "", tail] = new URL(`https://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => text ? text.split(":") : [];
  const zeros = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(zeros).fill("0"), ...groups(tail)];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

/** The subject's name as the certificate has it, byte for byte: an issuer's name must be equal to it. */
function subjectOf(certificate: X509Certificate): Uint8Array {
  const [whole] = elementsOf(certificate.raw);
  const [toBeSigned] = elementsOf(whole?.content ?? certificate.raw);
  const subject = elementsOf(toBeSigned?.content ?? certificate.raw)[5];
  if (subject === undefined) throw new Error("read the CA's certificate: it has no subject");
  return subject.whole;
}

/** The values within a DER value's content. */
function elementsOf(der: Uint8Array): readonly { readonly whole: Uint8Array; readonly content: Uint8Array }[] {
  const elements = [];
  for (let offset = 0; offset + 1 < der.length;) {
    const first = der[offset + 1] ?? 0;
    const digits = first < 0x80 ? 0 : first & 0x7f;
    const start = offset + 2 + digits;
    const length = digits === 0 ? first : der.subarray(offset + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
    elements.push({ whole: der.subarray(offset, start + length), content: der.subarray(start, start + length) });
    offset = start + length;
  }
  return elements;
}
