/** A small certificate authority for tests: ECDSA P-256 certificates; a fresh machine need not have openssl. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { bitString, boolean, objectId, octetString, pem, sequence, tagged } from "../../src/certs/der.ts";
import {
  distinguishedName,
  extension,
  OID,
  signedCertificate,
  subjectAltName,
  subjectOf,
} from "../../src/certs/x509.ts";

export interface KeyAndCertificate {
  readonly keyPem: string;
  readonly certPem: string;
}

export interface LeafOptions {
  readonly commonName: string;
  readonly organisations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** A certificate authority that is valid for a day around now. */
export function createAuthority(commonName: string): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = distinguishedName(commonName, []);
  const extensions = [
    extension(OID.basicConstraints, sequence(boolean(true)), "critical"),
    extension(OID.keyUsage, bitString(Buffer.of(0x86), 1), "critical"),
    extension(OID.subjectKeyId, octetString(keyId(publicKey))),
  ];
  return certificate({ subject: name, issuer: name, publicKey, signer: privateKey, privateKey, extensions });
}

/** A certificate for servers and clients, signed by the authority. */
export function createLeaf(authority: KeyAndCertificate, options: LeafOptions): KeyAndCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const signer = createPrivateKey(authority.keyPem);
  const names = [...(options.dnsNames ?? []), ...(options.ipAddresses ?? [])].map(subjectAltName);
  const extensions = [
    extension(OID.keyUsage, bitString(Buffer.of(0x80), 7), "critical"),
    extension(OID.extKeyUsage, sequence(objectId(OID.serverAuth), objectId(OID.clientAuth))),
    extension(OID.authorityKeyId, sequence(tagged(0x80, keyId(createPublicKey(authority.certPem))))),
    ...(names.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...names))]),
  ];
  const subject = distinguishedName(options.commonName, options.organisations ?? []);
  return certificate({
    subject,
    issuer: subjectOf(new X509Certificate(authority.certPem).raw),
    publicKey,
    signer,
    privateKey,
    extensions,
  });
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
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

function certificate(
  { subject, issuer, publicKey, privateKey, signer, extensions }: CertificateParts,
): KeyAndCertificate {
  const der = signedCertificate({
    algorithm: sequence(objectId(OID.ecdsaWithSha256)),
    issuerName: issuer,
    subjectName: subject,
    publicKey,
    signer,
    from: Date.now() - DAY_MS,
    to: Date.now() + 365 * DAY_MS,
    extensions,
  });
  return { keyPem: String(privateKey.export({ type: "pkcs8", format: "pem" })), certPem: pem("CERTIFICATE", der) };
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash("sha1").update(publicKey.export({ type: "spki", format: "der" })).digest();
}
