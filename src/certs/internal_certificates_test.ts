import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { FakeClock } from "../base/fake_clock.ts";
import { asArray, asString, at } from "../base/json.ts";
import type { LogFields } from "../base/log.ts";
import { createCertificateMaker } from "./certificate_maker.ts";
import { InternalCertificates } from "./internal_certificates.ts";
import { MUTATING, refusal, SECRET, SECRETS, TestCluster, VALIDATING } from "./test_cluster.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const SPREAD_MS = 5000;
const DEADLINE_MS = 4000;

const maker = createCertificateMaker({ keyBits: 1024 });

let clock = new FakeClock();
let cluster = new TestCluster();
let lines: string[] = [];
let running: { readonly ended: AbortController; readonly done: Promise<void> }[] = [];

beforeEach(() => {
  clock = new FakeClock();
  cluster = new TestCluster();
  [lines, running] = [[], []];
  declare();
});

afterEach(async () => {
  for (const { ended } of running) ended.abort();
  await Promise.all(running.map(({ done }) => done));
  clock.advance(10_000); // the rate limiter's
  expect(clock.timerCount).toBe(0);
});

/** Both configurations, as a manifest declares them. */
function declare(url?: string): void {
  const clientConfig = url === undefined ? { service: { namespace: "ns", name: "hook" } } : { url };
  for (const path of [MUTATING, VALIDATING]) cluster.put(path, { webhooks: [{ name: "a", clientConfig }] });
}

function start(): InternalCertificates {
  const told = (message: string, fields: LogFields = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const certificates = new InternalCertificates({
    client: cluster,
    clock,
    random: { next: () => 0 },
    log: { info: (verbosity, message, fields) => verbosity === 0 && told(message, fields), error: told },
    namespace: "ns",
    serviceName: "hook",
    secretName: "cert",
    maker,
  });
  const ended = new AbortController();
  running.push({ ended, done: certificates.run(ended.signal) });
  return certificates;
}

async function startReady(): Promise<InternalCertificates> {
  const certificates = start();
  await until("it to be ready", () => certificates.problem === undefined);
  return certificates;
}

/** Keys are made in real time, all else in the clock's. */
async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`wait for ${what}: in vain\n${lines.join("\n")}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function stored(key: string): string {
  return Buffer.from(asString(at(cluster.get(SECRET), "data", key)) ?? "", "base64").toString();
}

function bundle(path = MUTATING): string {
  const [webhook] = asArray(at(cluster.get(path), "webhooks"));
  return Buffer.from(asString(at(webhook, "clientConfig", "caBundle")) ?? "", "base64").toString();
}

/** Whether the API server's calls succeed: a CA of each bundle signed what is served. */
function isTrusted(certPem: string): boolean {
  const leaf = new X509Certificate(certPem);
  return [MUTATING, VALIDATING].every((path) =>
    (bundle(path).match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [])
      .some((pem) => leaf.verify(new X509Certificate(pem).publicKey))
  );
}

test("a first start makes everything, in three writes, and is ready only once the bundles are in", async () => {
  const certificates = start();
  expect(certificates.problem).toBe("certificates: Secret ns/cert is not read yet");
  const ready: boolean[] = [];
  cluster.onChange = () => ready.push(certificates.problem === undefined);
  await until("it to be ready", () => certificates.problem === undefined);
  expect(ready).toEqual([false, false, false]);
  expect(cluster.writes).toEqual([`POST ${SECRETS}`, `PATCH ${MUTATING}`, `PATCH ${VALIDATING}`]);
  expect(isTrusted(certificates.current?.certPem ?? "")).toBe(true);
  expect(certificates.current?.certPem).toBe(stored("tls.crt"));
});

test.each([["there is none", false], ["it is empty, as the manifest declares it", true]])(
  "of two replicas that fill the Secret at once, where %s, the later one takes what the other wrote",
  async (_, isDeclared) => {
    const winner = await startReady();
    const data = cluster.get(SECRET)?.["data"];
    cluster.put(SECRET, undefined);
    await until("the winner to have written", () => cluster.get(SECRET) !== undefined);
    running[0]?.ended.abort();
    cluster.put(SECRET, undefined);
    if (isDeclared) cluster.put(SECRET, {});
    let isOvertaken = false;
    cluster.refuse = (method, path) => {
      if (!isOvertaken && ["POST", "PUT"].includes(method) && path.startsWith(SECRETS)) {
        isOvertaken = true;
        cluster.put(SECRET, { data });
      }
      return undefined;
    };
    const before = cluster.writes.length;
    const loser = await startReady();
    expect(isOvertaken).toBe(true);
    expect(cluster.writes.slice(before)).toEqual([isDeclared ? `PUT ${SECRET}` : `POST ${SECRETS}`]);
    expect(loser.current).toEqual(winner.current);
  },
);

test("missing configurations keep nothing from being served", async () => {
  for (const path of [MUTATING, VALIDATING]) cluster.put(path, undefined);
  const certificates = await startReady();
  declare();
  await until("the bundles to be in", () => isTrusted(certificates.current?.certPem ?? ""));
});

test("what is there is served at once, and nothing is made, before the configurations are read", async () => {
  const first = await startReady();
  cluster.refuse = (_, path) => path.includes("webhookconfigurations") ? "never" : undefined;
  const second = start();
  await until("it to serve", () => second.current?.certPem === first.current?.certPem);
  expect(second.problem).toBeDefined();
  cluster.put(SECRET, undefined);
  const before = cluster.writes.length;
  await until("the first to write it again", () => cluster.get(SECRET) !== undefined);
  expect(cluster.writes.slice(before)).toEqual([`POST ${SECRETS}`]);
});

test("the server certificate is renewed 90 days before its end, under the same CA and at once", async () => {
  const certificates = await startReady();
  const [before, ca] = [certificates.current?.certPem, stored("ca.crt")];
  clock.advance(274 * DAY_MS);
  await clock.advanceAndSettle(60_000);
  expect(certificates.current?.certPem).toBe(before);
  clock.advance(DAY_MS);
  await until("another to be served", () => certificates.current?.certPem !== before);
  expect([certificates.current?.certPem, stored("ca.crt")]).toEqual([stored("tls.crt"), ca]);
});

test("a CA is renewed 90 days before its end on all replicas, and at no time does a call fail", async () => {
  const replicas = [await startReady(), await startReady(), await startReady()];
  // Nine years on, with the renewals between left out: the server certificate as of then.
  clock.advance((3650 - 91) * DAY_MS);
  const served = () => replicas.map(({ current }) => current?.certPem ?? "");
  await until("a certificate of then", () => served().every((pem) => pem === stored("tls.crt") && isFresh(pem)));
  const failures: string[] = [];
  const check = (when: string) => served().every(isTrusted) || failures.push(when);
  cluster.onChange = () => check("a write");
  for (const replica of replicas) replica.onChange(() => check("a change of certificate"));
  const [former, old] = [served(), stored("ca.crt")];
  clock.advance(DAY_MS + 1);
  await until("a new CA in both bundles", () => stored("ca.crt") !== old && isTrusted(stored("tls.crt")));
  expect(served()).toEqual(former);
  expect(stored("ca.crt")).toEndWith(old);
  await clock.advanceAndSettle(SPREAD_MS - 1);
  expect(served()).toEqual(former);
  await until("all to serve the new one", () => {
    clock.advance(100);
    return served().every((pem) => pem === stored("tls.crt"));
  });
  expect(failures).toEqual([]);
  expect([bundle(), bundle(VALIDATING)]).toEqual([stored("ca.crt"), stored("ca.crt")]);
});

function isFresh(pem: string): boolean {
  return Date.parse(new X509Certificate(pem).validTo) > clock.now() + 90 * DAY_MS;
}

test("a host that a configuration names by URL joins the certificate", async () => {
  const certificates = await startReady();
  const has = (host: string) => new X509Certificate(certificates.current?.certPem ?? "").checkHost(host) === host;
  declare("https://head.example.com:9443/x");
  await until("the host to be in", () => has("head.example.com"));
  expect(has("hook.ns.svc")).toBe(true);
});

test("somebody who undoes each write is answered with a bounded number of writes", async () => {
  await startReady();
  const before = cluster.writes.length;
  let isUndoing = false;
  cluster.onChange = () => {
    if (isUndoing) return;
    isUndoing = true;
    cluster.put(SECRET, { data: {} });
    isUndoing = false;
  };
  cluster.put(SECRET, { data: {} });
  await clock.advanceAndSettle(60_000);
  const writes = cluster.writes.length - before;
  expect(writes).toBeGreaterThan(10);
  expect(writes).toBeLessThanOrEqual(40);
});

test("a configuration that cert-manager keeps is left alone, and that is said once", async () => {
  const annotations = { "cert-manager.io/inject-ca-from": "ns/x" };
  const clientConfig = { service: { namespace: "ns", name: "hook" } };
  cluster.put(MUTATING, { metadata: { annotations }, webhooks: [{ name: "a", clientConfig }] });
  await startReady();
  await clock.advanceAndSettle(120_000);
  expect([bundle(MUTATING), bundle(VALIDATING)]).toEqual(["", stored("ca.crt")]);
  expect(lines.filter((line) => line.includes("cert-manager"))).toHaveLength(1);
});

describe("a missing permission", () => {
  const complaints = () => lines.filter((line) => line.includes("permission"));

  test("to patch is named once in the log and in the readiness, and mended once it is granted", async () => {
    cluster.refuse = (method) => method === "PATCH" ? refusal(403, "Forbidden", "user x cannot patch y") : undefined;
    const certificates = start();
    await until("the log to name it", () => complaints().length > 0);
    await clock.advanceAndSettle(60_000);
    expect(complaints()).toHaveLength(1);
    expect(certificates.problem).toBe("certificates: user x cannot patch y");
    expect(certificates.current).toBeDefined();
    cluster.refuse = () => undefined;
    await clock.advanceAndSettle(10_000);
    await until("it to be ready", () => certificates.problem === undefined);
  });

  test("to watch a configuration is named once, and keeps nothing from being served", async () => {
    const forbidden = refusal(403, "Forbidden", "user x cannot watch y");
    cluster.refuse = (_, path) => path.includes("mutating") ? forbidden : undefined;
    const certificates = await startReady();
    await clock.advanceAndSettle(60_000);
    expect(complaints()).toHaveLength(1);
    expect(bundle(MUTATING)).toBe("");
    cluster.refuse = () => undefined;
    await clock.advanceAndSettle(60_000);
    await until("the bundle to be in", () => isTrusted(certificates.current?.certPem ?? ""));
  });

  test("to watch the Secret is named in the readiness", async () => {
    cluster.refuse = (_, path) => path === SECRETS ? refusal(403, "Forbidden", "user x cannot watch y") : undefined;
    const certificates = start();
    await until("the log to name it", () => complaints().length > 0);
    expect(certificates.problem).toBe("certificates: user x cannot watch y");
    expect(cluster.writes).toEqual([]);
  });
});

test("a replica that is ready stays so while a bundle is mended", async () => {
  const certificates = await startReady();
  const problems = new Set<string | undefined>();
  cluster.onChange = () => problems.add(certificates.problem);
  declare();
  expect(bundle()).toBe("");
  await until("the bundles to be mended", () => isTrusted(certificates.current?.certPem ?? ""));
  expect([...problems]).toEqual([undefined]);
});
