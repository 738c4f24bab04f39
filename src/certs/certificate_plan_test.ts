import { beforeAll, describe, expect, test } from "bun:test";
import { type CertificateFacts, NO_FACTS, readFacts } from "./certificate_facts.ts";
import { createCertificateMaker, type Issuer } from "./certificate_maker.ts";
import { type CertificatePlan, type CertificateSet, planCertificates, type PlanInput } from "./certificate_plan.ts";

const NOW = Date.UTC(2030, 0, 1);
const DAY_MS = 24 * 60 * 60 * 1000;
const certificateMaker = createCertificateMaker({ keyBits: 1024 });
const JUNK = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const NAMES = { required: ["hook.ns.svc"], wanted: ["hook.ns.svc", "hook.ns.svc.cluster.local"] };

/** A CA, and what a Secret holds that this CA filled. */
interface Made {
  readonly issuer: Issuer;
  readonly facts: CertificateFacts;
  readonly set: CertificateSet;
}

let ours: Made;
let other: Made;

beforeAll(async () => void ([ours, other] = await Promise.all([make(), make()])));

async function make(names: readonly string[] = NAMES.wanted, old?: Issuer): Promise<Made> {
  const issuer = old ?? await certificateMaker.makeAuthority(NOW);
  const server = await certificateMaker.makeServer({ issuer, names, nowMs: NOW });
  const facts = readFacts({
    caCrt: issuer.certPem,
    caKey: issuer.keyPem,
    tlsCrt: server.certPem,
    tlsKey: server.keyPem,
  });
  return { issuer, facts, set: setOf(facts) };
}

function setOf({ authority, previous, server }: CertificateFacts): CertificateSet {
  if (authority === undefined || server === undefined) throw new Error("the set is not whole");
  return { authority, previous, server };
}

function plan(input: Partial<PlanInput>): CertificatePlan {
  return planCertificates({
    stored: NO_FACTS,
    remembered: undefined,
    served: undefined,
    bundled: [],
    names: NAMES,
    nowMs: NOW,
    ...input,
  });
}

function fingerprints(it: { readonly previous: readonly { readonly fingerprint: string }[] }): readonly string[] {
  return it.previous.map(({ fingerprint }) => fingerprint);
}

function whole(it: CertificatePlan): CertificateSet {
  if (it.kind !== "keep" && it.kind !== "write") throw new Error(`the plan is ${it.kind}`);
  return it.set;
}

function making(it: CertificatePlan): Extract<CertificatePlan, { kind: "makeServer" | "makeAuthority" }> {
  if (it.kind !== "makeServer" && it.kind !== "makeAuthority") throw new Error(`the plan is ${it.kind}`);
  return it;
}

describe("a good Secret", () => {
  test("is kept until 90 days before the server certificate's end", () => {
    expect(plan({ stored: ours.facts })).toEqual({
      kind: "keep",
      set: ours.set,
      goodUntilMs: NOW + (365 - 90) * DAY_MS,
    });
    expect(plan({ stored: ours.facts, nowMs: NOW + 275 * DAY_MS - 1 }).kind).toBe("keep");
  });

  test("is taken, whatever is remembered", () => {
    expect(whole(plan({ stored: other.facts, remembered: ours.set })).authority).toEqual(other.set.authority);
  });

  test("of a reference replica, without our further name, is kept", async () => {
    expect(plan({ stored: (await make(NAMES.required)).facts }).kind).toBe("keep");
  });

  test("that does not name the CA that is served is written with it, and then kept", () => {
    const written = plan({ stored: other.facts, remembered: ours.set, served: ours.set.authority });
    expect(written.kind).toBe("write");
    expect(fingerprints(whole(written))).toEqual([ours.set.authority.fingerprint]);
    const stored = { ...other.facts, previous: whole(written).previous };
    expect(plan({ stored, served: ours.set.authority }).kind).toBe("keep");
    expect(JSON.stringify(whole(written).previous)).not.toContain("PRIVATE");
  });
});

describe("the server certificate is made anew", () => {
  test("90 days before its end", () => {
    const made = making(plan({ stored: ours.facts, nowMs: NOW + 275 * DAY_MS }));
    expect(made).toMatchObject({ kind: "makeServer", why: "the server certificate has 90 days left" });
    expect(made.kind === "makeServer" && made.authority).toEqual(ours.set.authority);
  });

  test("after its end, and before its beginning", () => {
    expect(making(plan({ stored: ours.facts, nowMs: NOW + 366 * DAY_MS })).why).toContain("has expired");
    expect(making(plan({ stored: ours.facts, nowMs: NOW - DAY_MS })).why).toContain("is not valid yet");
  });

  test("for a host that it lacks, and keeps the names that it has", async () => {
    const { facts } = await make(["hook.ns.svc", "old.example.com"]);
    const names = { ...NAMES, required: ["hook.ns.svc", "10.0.0.1"] };
    const made = making(plan({ stored: facts, names }));
    expect(made.kind).toBe("makeServer");
    expect(made.names).toEqual(["hook.ns.svc", "10.0.0.1", "hook.ns.svc.cluster.local", "old.example.com"]);
    expect(made.why).toBe('it is not for "10.0.0.1"');
  });

  test("where another CA signed it", () => {
    const stored = readFacts(texts(ours, { tlsCrt: other.set.server.certPem, tlsKey: other.set.server.keyPem }));
    expect(making(plan({ stored }))).toMatchObject({ kind: "makeServer", why: "tls.crt is not signed by ca.crt" });
  });

  test("without the CAs before, once the present one is a week old", () => {
    const stored = { ...ours.facts, previous: other.facts.authority === undefined ? [] : [other.facts.authority] };
    const at = (nowMs: number) => making(plan({ stored, nowMs, names: { ...NAMES, required: ["x"] } })).previous;
    expect(at(NOW + 6 * DAY_MS)).toHaveLength(1);
    expect(at(NOW + 8 * DAY_MS)).toHaveLength(0);
  });
});

function texts({ issuer, set }: Made, changed: Partial<Parameters<typeof readFacts>[0]>) {
  const { certPem: tlsCrt, keyPem: tlsKey } = set.server;
  return { caCrt: issuer.certPem, caKey: issuer.keyPem, tlsCrt, tlsKey, ...changed };
}

describe("what is remembered is written again", () => {
  test.each([
    ["a lost Secret", () => NO_FACTS],
    ["no key of the CA", () => readFacts(texts(ours, { caKey: "" }))],
    ["another CA's key", () => readFacts(texts(ours, { caKey: other.issuer.keyPem }))],
    ["no certificate of the CA", () => readFacts(texts(ours, { caCrt: "x" }))],
    ["no server certificate", () => readFacts(texts(ours, { tlsCrt: "" }))],
    ["another server's key", () => readFacts(texts(ours, { tlsKey: other.set.server.keyPem }))],
  ])("after %s", (_, stored) => {
    expect(plan({ stored: stored(), remembered: ours.set })).toMatchObject({ kind: "write", set: ours.set });
  });

  test("but not once it is due for renewal itself", () => {
    const made = making(plan({ remembered: ours.set, nowMs: NOW + 300 * DAY_MS }));
    expect(made.kind === "makeServer" && made.authority).toEqual(ours.set.authority);
  });
});

describe("a CA is made", () => {
  test("where there is nothing, for the names that are wanted", () => {
    const expected = { kind: "makeAuthority", previous: [], names: NAMES.wanted, why: "nothing in it" } as const;
    expect(plan({})).toEqual(expected);
  });

  test("90 days before its end, and the old one stays trusted until then", () => {
    const nowMs = NOW + (3650 - 90) * DAY_MS;
    const made = making(plan({ stored: ours.facts, remembered: ours.set, served: ours.set.authority, nowMs }));
    expect(made).toMatchObject({ kind: "makeAuthority", why: "the CA has 90 days left" });
    expect(fingerprints(made)).toEqual([ours.set.authority.fingerprint]);
    expect(making(plan({ stored: ours.facts, nowMs: NOW + 3651 * DAY_MS })).previous).toEqual([]);
  });

  test("without memory, and the one that the configurations trust stays trusted: another replica may serve it", () => {
    expect(fingerprints(making(plan({ bundled: [ours.set.authority] })))).toEqual([ours.set.authority.fingerprint]);
  });

  test("in place of somebody else's, which stays trusted while its certificate may be served", () => {
    // A whole set, but with no key of the CA: as cert-manager leaves it.
    const stored = readFacts(texts(ours, { caKey: "" }));
    expect(fingerprints(making(plan({ stored })))).toEqual([ours.set.authority.fingerprint]);
    const useless = readFacts(texts(ours, { caKey: "", tlsKey: "" }));
    expect(making(plan({ stored: useless })).previous).toEqual([]);
  });
});

test("any bytes in the Secret are a flaw, never a crash", () => {
  for (const text of ["x", JUNK, "\u0000", "-".repeat(10_000)]) {
    const stored = readFacts({ caCrt: text, caKey: text, tlsCrt: text, tlsKey: text });
    expect(stored.flaw).toBeDefined();
    expect(plan({ stored }).kind).toBe("makeAuthority");
  }
});

test.each([
  ["a broken one before it", (cert: string) => JUNK + cert],
  ["a broken one behind it", (cert: string) => cert + JUNK],
  ["half of one behind it", (cert: string) => `${cert}-----BEGIN CERTIFICATE-----\n`],
])("a server certificate with %s can't be served: another one is made", (_, spoil) => {
  const stored = readFacts(texts(ours, { tlsCrt: spoil(ours.set.server.certPem) }));
  expect(stored.flaw).toStartWith("tls.crt can't be served: ");
  expect(plan({ stored })).toMatchObject({ kind: "makeServer", authority: ours.set.authority });
  expect(plan({ stored, remembered: ours.set })).toMatchObject({ kind: "write", set: ours.set });
});
