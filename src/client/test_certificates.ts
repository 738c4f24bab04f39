/** For tests: X.509 certificates made on the spot, so that no key lies in the repository and no openssl is needed. */

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface TestCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly key: KeyObject;
  readonly name: string;
}

export interface TestCertificateOptions {
  readonly commonName: string;
  /** The organisation: a Kubernetes group in a client certificate. */
  readonly organisation?: string;
  /** The signer; a certificate without one signs itself and is a CA. */
  readonly issuer?: TestCertificate;
  readonly dnsNames?: readonly string[];
  /** IPv4 addresses. */
  readonly ipAddresses?: readonly string[];
}

/** A P-256 certificate, valid from 2020 to 2049. */
export function makeTestCertificate(options: TestCertificateOptions): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const subject = distinguishedName(options.commonName, options.organisation);
  const issuerName = options.issuer === undefined ? subject : Buffer.from(options.issuer.name, "hex");
  const algorithm = sequence(ECDSA_WITH_SHA256);
  const serial = Buffer.from(crypto.getRandomValues(new Uint8Array(8)));
  serial[0] = 0x11;
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    issuerName,
    sequence(der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from("491231235959Z"))),
    subject,
    spki,
    der(0xa3, sequence(...extensions(options))),
  );
  const signature = sign("sha256", tbs, options.issuer?.key ?? privateKey);
  const certificate = sequence(tbs, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  return {
    certPem: pem("CERTIFICATE", certificate),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    key: privateKey,
    name: subject.toString("hex"),
  };
}

const ECDSA_WITH_SHA256 = objectId("2a8648ce3d040302");
const COMMON_NAME = objectId("550403");
const ORGANISATION = objectId("55040a");
const BASIC_CONSTRAINTS = objectId("551d13");
const SUBJECT_ALT_NAME = objectId("551d11");
const TRUE = der(0x01, Buffer.from([0xff]));

function extensions(options: TestCertificateOptions): Buffer[] {
  const list: Buffer[] = [];
  if (options.issuer === undefined) {
    list.push(sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE))));
  } else {
    list.push(sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence())));
  }
  const names = [
    ...(options.dnsNames ?? []).map((name) => der(0x82, Buffer.from(name))),
    ...(options.ipAddresses ?? []).map((address) => der(0x87, Buffer.from(address.split(".").map(Number)))),
  ];
  if (names.length > 0) list.push(sequence(SUBJECT_ALT_NAME, der(0x04, sequence(...names))));
  return list;
}

function distinguishedName(commonName: string, organisation: string | undefined): Buffer {
  const attribute = (type: Buffer, value: string) => der(0x31, sequence(type, der(0x0c, Buffer.from(value))));
  const organisations = organisation === undefined ? [] : [attribute(ORGANISATION, organisation)];
  return sequence(...organisations, attribute(COMMON_NAME, commonName));
}

function objectId(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** One DER value: tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const length = content.length < 0x80
    ? [content.length]
    : content.length < 0x100
    ? [0x81, content.length]
    : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
