/**
 * A small certificate authority for tests: ECDSA P-256 certificates, written as DER by hand, because node:crypto signs but makes
 * no certificates and a fresh machine need not have openssl.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";

export interface KeyAndCertificate {
  readonly keyPem: string;
  readonly certPem: string;
}

export interface LeafOptions {
  readonly commonName: string;
  readonly organisations?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** IPv4 addresses. */
  readonly ipAddresses?: readonly string[];
}

const OID = {
  commonName: [0x55, 0x04, 0x03],
  organisation: [0x55, 0x04, 0x0a],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  subjectKeyId: [0x55, 0x1d, 0x0e],
  keyUsage: [0x55, 0x1d, 0x0f],
  subjectAltName: [0x55, 0x1d, 0x11],
  basicConstraints: [0x55, 0x1d, 0x13],
  authorityKeyId: [0x55, 0x1d, 0x23],
  extKeyUsage: [0x55, 0x1d, 0x25],
  serverAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
  clientAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02],
};

/** A certificate authority that is valid for a day around now. */
export function createAuthority(commonName: string): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = distinguishedName(commonName, []);
  const extensions = [
    extension(OID.basicConstraints, sequence(boolean(true)), true),
    extension(OID.keyUsage, bitString(Buffer.of(0x86), 1), true),
    extension(OID.subjectKeyId, octetString(keyId(publicKey))),
  ];
  return certificate({ subject: name, issuer: name, publicKey, signer: privateKey, privateKey, extensions });
}

/** A certificate for servers and clients, signed by the authority. */
export function createLeaf(authority: KeyAndCertificate, options: LeafOptions): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const signer = createPrivateKey(authority.keyPem);
  const names = [
    ...(options.dnsNames ?? []).map((name) => tagged(0x82, Buffer.from(name, "ascii"))),
    ...(options.ipAddresses ?? []).map((address) => tagged(0x87, Buffer.from(address.split(".").map(Number)))),
  ];
  const extensions = [
    extension(OID.keyUsage, bitString(Buffer.of(0x80), 7), true),
    extension(OID.extKeyUsage, sequence(objectId(OID.serverAuth), objectId(OID.clientAuth))),
    extension(OID.authorityKeyId, sequence(tagged(0x80, keyId(createPublicKey(authority.certPem))))),
    ...(names.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...names))]),
  ];
  const subject = distinguishedName(options.commonName, options.organisations ?? []);
  return certificate({ subject, issuer: issuerName(authority.certPem), publicKey, signer, privateKey, extensions });
}

/** An RSA key pair as PEM, for service-account tokens. */
export function createSigningKey(): { readonly privatePem: string; readonly publicPem: string } {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    privatePem: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    publicPem: String(publicKey.export({ type: "spki", format: "pem" })),
  };
}

interface CertificateParts {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}

function certificate(parts: CertificateParts): KeyAndCertificate {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const dayMs = 24 * 60 * 60 * 1000;
  const validity = sequence(utcTime(new Date(Date.now() - dayMs)), utcTime(new Date(Date.now() + 365 * dayMs)));
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(serial),
    algorithm,
    parts.issuer,
    validity,
    parts.subject,
    parts.publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...parts.extensions)),
  );
  const der = sequence(toBeSigned, algorithm, bitString(sign("sha256", toBeSigned, parts.signer), 0));
  const base64 = der.toString("base64").replace(/.{1,64}/g, "$&\n");
  return {
    keyPem: String(parts.privateKey.export({ type: "pkcs8", format: "pem" })),
    certPem: `-----BEGIN CERTIFICATE-----\n${base64}-----END CERTIFICATE-----\n`,
  };
}

/** The subject of our own authority's certificate, read back from the DER that `certificate` wrote. */
function issuerName(certPem: string): Buffer {
  const der = Buffer.from(certPem.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
  const [outer] = readElements(der);
  const [toBeSigned] = readElements(outer?.content ?? der);
  const subject = readElements(toBeSigned?.content ?? der)[5];
  if (subject === undefined) throw new Error("read the authority's certificate: it has no subject");
  return subject.whole;
}

function readElements(der: Buffer): readonly { readonly whole: Buffer; readonly content: Buffer }[] {
  const elements = [];
  for (let offset = 0; offset + 1 < der.length;) {
    const first = der[offset + 1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length = lengthBytes === 0 ? first : der.readUIntBE(offset + 2, lengthBytes);
    const start = offset + 2 + lengthBytes;
    elements.push({ whole: der.subarray(offset, start + length), content: der.subarray(start, start + length) });
    offset = start + length;
  }
  return elements;
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash("sha1").update(publicKey.export({ type: "spki", format: "der" })).digest();
}

function distinguishedName(commonName: string, organisations: readonly string[]): Buffer {
  const attribute = (id: readonly number[], value: string) =>
    tagged(0x31, sequence(objectId(id), tagged(0x0c, Buffer.from(value))));
  return sequence(
    ...organisations.map((value) => attribute(OID.organisation, value)),
    attribute(OID.commonName, commonName),
  );
}

function extension(id: readonly number[], value: Buffer, isCritical = false): Buffer {
  return sequence(objectId(id), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

function tagged(tag: number, content: Buffer): Buffer {
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}

function sequence(...items: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(items));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.of(value ? 0xff : 0));
}

function objectId(bytes: readonly number[]): Buffer {
  return tagged(0x06, Buffer.from(bytes));
}

function octetString(content: Buffer): Buffer {
  return tagged(0x04, content);
}

function bitString(content: Buffer, unusedBits: number): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(unusedBits), content]));
}

function utcTime(date: Date): Buffer {
  return tagged(0x17, Buffer.from(`${date.toISOString().replace(/\.\d+Z$/, "").replace(/[-:T]/g, "").slice(2)}Z`));
}
