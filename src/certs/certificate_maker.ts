/**
 * Makes the CA and the server certificate of spec 6.2: RSA 2048 as PKCS#1, so that a reference replica takes them too.
 * What comes out is read again by OpenSSL before it is used (certificate_facts.ts).
 */
import { createHash, createPrivateKey, generateKeyPair, type KeyObject, X509Certificate } from "node:crypto";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import { bitString, boolean, nothing, objectId, octetString, pem, sequence, tagged } from "./der.ts";
import { distinguishedName, extension, OID, signedCertificate, subjectAltName, subjectOf } from "./x509.ts";

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

const ALGORITHM = sequence(objectId(OID.sha256WithRsa), nothing());

/** digitalSignature, keyEncipherment and, for the CA, keyCertSign. */
const SERVER_USAGE = bitString(Buffer.of(0b1010_0000), 5);
const AUTHORITY_USAGE = bitString(Buffer.of(0b1010_0100), 2);

/** A new CA that is valid for ten years. */
function makeAuthority({ publicKey, privateKey }: KeyPair, nowMs: number): Issuer {
  const name = distinguishedName(AUTHORITY_NAME, [ORGANISATION]);
  const ownId = keyId(publicKey);
  const der = signedCertificate({
    algorithm: ALGORITHM,
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
  const der = signedCertificate({
    algorithm: ALGORITHM,
    issuerName: subjectOf(authority.raw),
    subjectName: distinguishedName(first.length <= MAX_COMMON_NAME ? first : ORGANISATION, [ORGANISATION]),
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
