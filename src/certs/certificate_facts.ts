/** What the Secret's PEM texts hold, once OpenSSL has read and checked them. Whether that is still good is the plan's question. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import { AUTHORITY_NAME } from "./certificate_maker.ts";
import { servingProblem } from "./serving_problem.ts";

/** A certificate that may sign others, without its key. */
export interface AuthorityCertificate {
  /** This one certificate, as PEM. */
  readonly pem: string;
  /** SHA-256: two with the same are the same. */
  readonly fingerprint: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Our CA. */
export interface Authority extends AuthorityCertificate {
  readonly keyPem: string;
}

export interface Server extends ServingCertificate {
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** The texts of the Secret; empty where it has none. */
export interface CertificateTexts {
  readonly caCrt: string;
  readonly caKey: string;
  readonly tlsCrt: string;
  readonly tlsKey: string;
}

export interface CertificateFacts {
  /** The CA in ca.crt's first place, if it is one of ours with its key. */
  readonly authority: Authority | undefined;
  /** The CAs before it, which are still trusted. */
  readonly previous: readonly AuthorityCertificate[];
  /** The server certificate, if this CA signed it and its key belongs to it. */
  readonly server: Server | undefined;
  /** A whole set of somebody else's (cert-manager's, before): no CA of ours, but its server certificate may be in use. */
  readonly foreign: AuthorityCertificate | undefined;
  /** What is wrong, for the log. */
  readonly flaw: string | undefined;
}

export const NO_FACTS: CertificateFacts = {
  authority: undefined,
  previous: [],
  server: undefined,
  foreign: undefined,
  flaw: "nothing in it",
};

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** As much of a bundle as is looked at. */
const MAX_BLOCKS = 20;

/** Reads and checks a Secret's texts. Never throws: whatever does not parse is a flaw. */
export function readFacts(texts: CertificateTexts): CertificateFacts {
  if (Object.values(texts).every((text) => text.trim() === "")) return NO_FACTS;
  const [first, ...others] = parseCertificates(texts.caCrt);
  const nothing = { ...NO_FACTS, previous: [] };
  if (first === undefined) return { ...nothing, flaw: "ca.crt holds no certificate" };
  const serverFlaw = checkServer(texts, first);
  const authorityFlaw = checkAuthority(first, texts.caKey);
  if (authorityFlaw !== undefined) {
    const foreign = first.ca && serverFlaw === undefined ? toAuthorityCertificate(first) : undefined;
    return { ...nothing, foreign, flaw: authorityFlaw };
  }
  return {
    authority: { ...toAuthorityCertificate(first), keyPem: texts.caKey },
    previous: others.filter((other) => other.ca).map(toAuthorityCertificate),
    server: serverFlaw === undefined ? toServer(texts) : undefined,
    foreign: undefined,
    flaw: serverFlaw,
  };
}

/** The certificates of a bundle; what does not parse is left out. */
export function readBundle(pem: string): readonly AuthorityCertificate[] {
  return parseCertificates(pem).map(toAuthorityCertificate);
}

/** Whether a certificate calls itself our CA. */
export function isOurs({ pem }: AuthorityCertificate): boolean {
  const certificate = new X509Certificate(pem);
  return certificate.ca && certificate.subject.split("\n").includes(`CN=${AUTHORITY_NAME}`);
}

/** What a reference replica would not accept either. */
function checkAuthority(certificate: X509Certificate, keyPem: string): string | undefined {
  if (!certificate.ca) return "ca.crt is no CA's certificate";
  if (!namesOf(certificate).includes(AUTHORITY_NAME)) return `ca.crt is not for "${AUTHORITY_NAME}"`;
  if (!certificate.keyUsage?.includes(SERVER_AUTH)) return "ca.crt is not for servers";
  if (!verifies(certificate, certificate)) return "ca.crt is not signed by itself";
  if (!keyPem.includes("-----BEGIN RSA PRIVATE KEY-----")) return "ca.key is no RSA key in PKCS#1";
  return hasKey(certificate, keyPem) ? undefined : "ca.key does not belong to ca.crt";
}

function checkServer({ tlsCrt, tlsKey }: CertificateTexts, authority: X509Certificate): string | undefined {
  const [certificate] = parseCertificates(tlsCrt);
  if (certificate === undefined) return "tls.crt holds no certificate";
  if (!hasKey(certificate, tlsKey)) return "tls.key does not belong to tls.crt";
  const problem = servingProblem({ certPem: tlsCrt, keyPem: tlsKey });
  if (problem !== undefined) return `tls.crt can't be served: ${problem}`;
  if (!verifies(certificate, authority)) return "tls.crt is not signed by ca.crt";
  const usage = certificate.keyUsage;
  return usage === undefined || usage.includes(SERVER_AUTH) ? undefined : "tls.crt is not for servers";
}

function verifies(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false; // an algorithm that OpenSSL does not know
  }
}

function hasKey(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false; // no key at all
  }
}

function parseCertificates(pem: string): readonly X509Certificate[] {
  const found: X509Certificate[] = [];
  for (const block of (pem.match(BLOCK) ?? []).slice(0, MAX_BLOCKS)) {
    try {
      found.push(new X509Certificate(block));
    } catch {
      continue; // What is no certificate vouches for nothing; the callers judge by what is left.
    }
  }
  return found;
}

function toAuthorityCertificate(certificate: X509Certificate): AuthorityCertificate {
  return {
    pem: `${certificate.toString().trim()}\n`,
    fingerprint: certificate.fingerprint256,
    ...periodOf(certificate),
  };
}

function toServer({ tlsCrt, tlsKey }: CertificateTexts): Server {
  const certificate = new X509Certificate(tlsCrt);
  return { certPem: tlsCrt, keyPem: tlsKey, names: namesOf(certificate), ...periodOf(certificate) };
}

function periodOf(certificate: X509Certificate): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: Date.parse(certificate.validFrom), toMs: Date.parse(certificate.validTo) };
}

/** OpenSSL's list, `DNS:a, IP Address:10.0.0.1`; names that it had to quote are none of ours. */
function namesOf(certificate: X509Certificate): readonly string[] {
  const entries = (certificate.subjectAltName ?? "").split(", ");
  return entries.flatMap((entry) => {
    const dns = /^DNS:([^"]+)$/.exec(entry)?.[1];
    const address = /^IP Address:([0-9a-fA-F:.]+)$/.exec(entry)?.[1];
    if (address?.includes(":")) return [new URL(`https://[${address}]`).hostname.slice(1, -1)];
    return [dns?.toLowerCase() ?? address].filter((name) => name !== undefined);
  });
}
