import { beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFacts } from "./certificate_facts.ts";
import { certificateMaker, type Issuer } from "./certificate_maker.ts";

const NOW = Date.UTC(2030, 0, 1);
const DAY_MS = 24 * 60 * 60 * 1000;
const NAMES = ["hook.ns.svc", "hook.ns.svc.cluster.local", "head.example.com", "10.1.2.3", "fd00::1:2", "::1"];

let issuer: Issuer;

beforeAll(async () => void (issuer = await certificateMaker.makeAuthority(NOW)));

describe("the CA", () => {
  test("is what the reference makes: name, organisation, DNS name, serverAuth, ten years", () => {
    const certificate = new X509Certificate(issuer.certPem);
    expect(certificate.subject.split("\n").sort()).toEqual(["CN=jobset-ca", "O=jobset"]);
    expect(certificate.subjectAltName).toBe("DNS:jobset-ca");
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(Date.parse(certificate.validTo)).toBe(NOW + 3650 * DAY_MS);
    expect(Date.parse(certificate.validFrom)).toBeLessThan(NOW);
  });

  test("has an RSA key of 2048 bits in PKCS#1", () => {
    expect(issuer.keyPem).toStartWith("-----BEGIN RSA PRIVATE KEY-----\n");
    expect(createPrivateKey(issuer.keyPem).asymmetricKeyDetails?.modulusLength).toBe(2048);
  });

  test("that ends after 2049 has its date in the longer form", async () => {
    const late = new X509Certificate((await certificateMaker.makeAuthority(Date.UTC(2045, 5, 6, 7, 8, 9))).certPem);
    expect(new Date(late.validTo).getUTCFullYear()).toBe(2055);
  });
});

describe("the server certificate", () => {
  test("is signed by the CA for exactly these names, for a year", async () => {
    const { certPem, keyPem } = await certificateMaker.makeServer({ issuer, names: NAMES, nowMs: NOW });
    const certificate = new X509Certificate(certPem);
    const authority = new X509Certificate(issuer.certPem);
    expect(certificate.checkIssued(authority) && certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
    expect(keyPem).toStartWith("-----BEGIN RSA PRIVATE KEY-----\n");
    expect(certificate.checkHost("head.example.com")).toBe("head.example.com");
    for (const address of ["10.1.2.3", "fd00::1:2", "::1"]) expect(certificate.checkIP(address)).toBe(address);
    expect(certificate.checkHost("other.ns.svc")).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(Date.parse(certificate.validTo)).toBe(NOW + 365 * DAY_MS);
  });

  test("does not outlast its CA", async () => {
    const nowMs = NOW + 3600 * DAY_MS;
    const { certPem } = await certificateMaker.makeServer({ issuer, names: NAMES, nowMs });
    expect(Date.parse(new X509Certificate(certPem).validTo)).toBe(NOW + 3650 * DAY_MS);
  });

  test("has no common name that is too long for one", async () => {
    const names = [`${"a".repeat(63)}.${"b".repeat(63)}.svc`];
    const { certPem } = await certificateMaker.makeServer({ issuer, names, nowMs: NOW });
    expect(new X509Certificate(certPem).subject.split("\n")).toContain("CN=jobset");
  });
});

test("what is made is read again as it was meant", async () => {
  const server = await certificateMaker.makeServer({ issuer, names: NAMES, nowMs: NOW });
  const facts = readFacts({
    caCrt: issuer.certPem,
    caKey: issuer.keyPem,
    tlsCrt: server.certPem,
    tlsKey: server.keyPem,
  });
  expect(facts.flaw).toBeUndefined();
  expect(facts.authority?.pem).toBe(issuer.certPem);
  expect(facts.server?.names).toEqual(NAMES);
  expect(facts.server?.toMs).toBe(NOW + 365 * DAY_MS);
});
