/** The CA, the Secret and both webhook configurations (spec 6.2) on a real API server, under exactly the permissions that they need. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { certificateMaker } from "../../src/certs/certificate_maker.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/control_plane.ts";
import { createAuthority, createLeaf } from "../../scripts/control_plane/certificates.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import {
  allowWriting,
  BUNDLED,
  configurationBody,
  CONFIGURATIONS,
  grantAll,
  Replica,
  SECRET,
  SECRETS,
  USER,
} from "./certificate_replicas.ts";

const MENDED_MS = 10_000;
const ROUNDS = 10;
const DAY_MS = 24 * 60 * 60 * 1000;
const SETUP_TIMEOUT_MS = 20 * 60_000;

let controlPlane: ControlPlane;
let replicas: Replica[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane({ users: [{ name: USER }], controllerManager: false, scheduler: false });
  await grantAll(controlPlane.api);
}, SETUP_TIMEOUT_MS);

afterAll(async () => await controlPlane.stop(), SETUP_TIMEOUT_MS);

beforeEach(async () => {
  for (const path of CONFIGURATIONS) await controlPlane.api.create(parentOf(path), configurationBody(path));
});

afterEach(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  replicas = [];
  for (const path of [SECRET, ...CONFIGURATIONS]) await controlPlane.api.request("DELETE", path);
});

async function start(count = 1): Promise<readonly Replica[]> {
  const started = await Promise.all(Array.from({ length: count }, () => Replica.start(controlPlane)));
  replicas.push(...started);
  return started;
}

async function startReady(count = 1): Promise<readonly Replica[]> {
  const started = await start(count);
  await waitFor("all replicas to be ready", {
    timeoutMs: 20_000,
    check: () => started.every(({ certificates }) => certificates.problem === undefined),
    describe: () => started.map(({ certificates, lines }) => [certificates.problem, ...lines].join("\n")).join("\n"),
  });
  return started;
}

/** As when a manifest replaces what is there. */
async function emptyBundles(): Promise<void> {
  for (const path of CONFIGURATIONS) {
    const { webhooks } = configurationBody(path);
    await controlPlane.api.patch(path, { webhooks });
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

async function secretText(key: string): Promise<string> {
  return Buffer.from(asString(at(await controlPlane.api.get(SECRET), "data", key)) ?? "", "base64").toString();
}

async function setSecret(data: Readonly<Record<string, string>>): Promise<void> {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  await controlPlane.api.patch(SECRET, { data: Object.fromEntries(encoded) });
}

/** The bundles of the webhooks that call us, each once. */
async function bundles(): Promise<readonly string[]> {
  const objects = await Promise.all(CONFIGURATIONS.map((path) => controlPlane.api.get(path)));
  const webhooks = objects.flatMap((object) => asArray(object["webhooks"]));
  const ours = webhooks.filter((webhook) => BUNDLED.includes(asString(at(webhook, "name")) ?? ""));
  expect(ours).toHaveLength(CONFIGURATIONS.length * BUNDLED.length);
  const texts = ours.map((it) => Buffer.from(asString(at(it, "clientConfig", "caBundle")) ?? "", "base64").toString());
  return [...new Set(texts)];
}

async function mended(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const describe = () => replicas.flatMap(({ lines }) => lines).join("");
  await waitFor(what, { timeoutMs: MENDED_MS, check, describe });
}

/** Secret, bundles and what every replica serves belong together. */
async function isConsistent(): Promise<boolean> {
  const [ca, tls, trusted] = await Promise.all([secretText("ca.crt"), secretText("tls.crt"), bundles()]);
  // Whether it is what they serve comes first: what a test has put there may be no certificate.
  return trusted.length === 1 && trusted[0] === ca &&
    replicas.every(({ certificates }) => certificates.current?.certPem === tls) && isSignedBy(tls, ca);
}

function isSignedBy(certPem: string, caPem: string): boolean {
  const certificate = new X509Certificate(certPem);
  const authority = new X509Certificate(caPem);
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

test(`${ROUNDS} times, replicas that start at once end with one CA and one certificate`, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    // In every other round the Secret is there and empty, as the manifest declares it.
    const declared: JsonObject = { apiVersion: "v1", kind: "Secret", metadata: { name: "jobset-webhook-server-cert" } };
    if (round % 2 === 1) await controlPlane.api.create(SECRETS, declared);
    const started = await startReady(5);
    expect(new Set(started.map(({ certificates }) => certificates.current?.certPem)).size).toBe(1);
    expect(await isConsistent()).toBe(true);
    expect((await secretText("ca.crt")).match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
    await Promise.all(started.map((replica) => replica.stop()));
    replicas = [];
    await controlPlane.api.delete(SECRET);
    await emptyBundles();
  }
}, 120_000);

test("a replica that starts where all is well writes nothing", async () => {
  await startReady();
  const versions = async () =>
    (await Promise.all([SECRET, ...CONFIGURATIONS].map((path) => controlPlane.api.get(path))))
      .map((object) => asString(at(object, "metadata", "resourceVersion")));
  const before = await versions();
  const [first] = replicas;
  await first?.stop();
  replicas = [];
  await startReady(3);
  expect(await versions()).toEqual(before);
  expect(await isConsistent()).toBe(true);
});

test("a Secret that is deleted comes back with the same CA and the same certificate", async () => {
  await startReady(3);
  const before = [await secretText("ca.crt"), await secretText("ca.key"), await secretText("tls.crt")];
  await controlPlane.api.delete(SECRET);
  await mended("the Secret to be back", async () => (await controlPlane.api.request("GET", SECRET)).code === 200);
  expect([await secretText("ca.crt"), await secretText("ca.key"), await secretText("tls.crt")]).toEqual(before);
  expect(await isConsistent()).toBe(true);
});

test("a Secret that is emptied is filled again from memory, and what others put into it stays", async () => {
  await startReady(2);
  const before = await secretText("ca.crt");
  await controlPlane.api.patch(SECRET, {
    data: { "ca.crt": "", "ca.key": null, "tls.crt": "bm8=", "tls.key": null, mine: "bWU=" },
  });
  await mended("the Secret to be filled", isConsistent);
  expect(await secretText("ca.crt")).toBe(before);
  expect(await secretText("mine")).toBe("me");
});

test("bundles that are emptied, or hold somebody else's CA, are mended; foreign webhooks are left alone", async () => {
  await startReady(2);
  const foreign = createAuthority("somebody else").certPem;
  for (const caBundle of [null, Buffer.from(foreign).toString("base64")]) {
    for (const path of CONFIGURATIONS) {
      const webhooks = BUNDLED.map((name) => ({ name, clientConfig: { caBundle } }));
      await controlPlane.api.patch(path, { webhooks }, "strategic");
    }
    await mended("the bundles to be mended", isConsistent);
  }
  for (const path of CONFIGURATIONS) {
    const webhooks = asArray((await controlPlane.api.get(path))["webhooks"]);
    const other = webhooks.find((webhook) => at(webhook, "name") === "other.example.com");
    expect(at(other, "clientConfig", "caBundle")).toBeUndefined();
  }
});

test("a re-applied manifest, and a configuration that appears later, get the bundle", async () => {
  for (const path of CONFIGURATIONS) await controlPlane.api.delete(path);
  await startReady(2);
  for (const path of CONFIGURATIONS) await controlPlane.api.create(parentOf(path), configurationBody(path));
  await mended("the new configurations to be filled", isConsistent);
  await emptyBundles();
  await mended("the replaced configurations to be filled", isConsistent);
});

test("configurations that cert-manager keeps are left alone", async () => {
  const [path = ""] = CONFIGURATIONS;
  const annotations = { "cert-manager.io/inject-ca-from": "jobset-system/jobset-serving-cert" };
  const { resourceVersion } = (await controlPlane.api.patch(path, { metadata: { annotations } }))["metadata"] as {
    readonly resourceVersion: string;
  };
  await startReady();
  const [managed, ours] = await Promise.all(CONFIGURATIONS.map((it) => controlPlane.api.get(it)));
  expect(at(managed, "metadata", "resourceVersion")).toBe(resourceVersion);
  expect(JSON.stringify(ours)).toContain("caBundle");
});

test("a certificate that has expired, or has less than 90 days left, is replaced under the same CA", async () => {
  await startReady(3);
  const issuer = { certPem: await secretText("ca.crt"), keyPem: await secretText("ca.key") };
  for (const ageDays of [400, 276]) {
    const nowMs = Date.now() - ageDays * DAY_MS;
    const { certPem, keyPem } = await certificateMaker.makeServer({ issuer, names: ["x.jobset-system.svc"], nowMs });
    await setSecret({ "tls.crt": certPem, "tls.key": keyPem });
    await mended("the certificate to be replaced", async () => (await secretText("tls.crt")) !== certPem);
    await mended("all to serve the new one", isConsistent);
  }
  expect(await secretText("ca.crt")).toBe(issuer.certPem);
});

test("somebody else's certificates are replaced by ours", async () => {
  await startReady(2);
  const before = await secretText("ca.crt");
  const authority = createAuthority("somebody else");
  const leaf = createLeaf(authority, { commonName: "x", dnsNames: ["jobset-webhook-service.jobset-system.svc"] });
  await setSecret({
    "ca.crt": authority.certPem,
    "ca.key": authority.keyPem,
    "tls.crt": leaf.certPem,
    "tls.key": leaf.keyPem,
  });
  await mended("ours to be back", async () => (await secretText("ca.crt")) === before);
  expect(await isConsistent()).toBe(true);
});

test("a CA that has expired is replaced, and the bundles follow", async () => {
  const issuer = await certificateMaker.makeAuthority(Date.now() - 3700 * DAY_MS);
  const names = ["jobset-webhook-service.jobset-system.svc"];
  const server = await certificateMaker.makeServer({ issuer, names, nowMs: Date.now() - 3700 * DAY_MS });
  await controlPlane.api.create(SECRETS, { metadata: { name: "jobset-webhook-server-cert" } });
  await setSecret({
    "ca.crt": issuer.certPem,
    "ca.key": issuer.keyPem,
    "tls.crt": server.certPem,
    "tls.key": server.keyPem,
  });
  await startReady(2);
  expect(await secretText("ca.crt")).not.toContain(issuer.certPem);
  await mended("all to serve the new one", isConsistent);
});

test("another CA is served only once both configurations trust the old and the new one", async () => {
  const [replica] = await startReady();
  const old = await secretText("ca.crt");
  const issuer = await certificateMaker.makeAuthority(Date.now());
  const names = ["jobset-webhook-service.jobset-system.svc", "127.0.0.1"];
  const server = await certificateMaker.makeServer({ issuer, names, nowMs: Date.now() });
  let atChange: Promise<readonly string[]> | undefined;
  replica?.certificates.onChange(({ certPem }) => {
    if (certPem === server.certPem) atChange = bundles();
  });
  await setSecret({
    "ca.crt": issuer.certPem,
    "ca.key": issuer.keyPem,
    "tls.crt": server.certPem,
    "tls.key": server.keyPem,
  });
  await mended("the new one to be served", () => atChange !== undefined);
  expect(await atChange).toEqual([issuer.certPem + old]);
  expect(await isConsistent()).toBe(true);
});

test("the API server calls a webhook that shows the certificate for its URL", async () => {
  const [replica] = await startReady();
  const served = replica?.certificates.current;
  if (served === undefined) throw new Error("a ready replica serves nothing");
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: served.certPem, key: served.keyPem },
    fetch: async (request) => {
      const review: unknown = await request.json();
      const status = { message: "seen and refused" };
      const response = { uid: at(review, "request", "uid"), allowed: false, status };
      return Response.json({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response });
    },
  });
  try {
    const [, path = ""] = CONFIGURATIONS;
    const rules = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }];
    const clientConfig = { url: `https://127.0.0.1:${server.port}/x` };
    await controlPlane.api.patch(path, {
      webhooks: [{ name: "url.example.com", clientConfig, rules, failurePolicy: "Fail" }],
    }, "strategic");
    let answer = "";
    await mended("the API server to use the webhook", async () => {
      const body = { metadata: { generateName: "probe-" } };
      answer = JSON.stringify(await controlPlane.api.request("POST", "/api/v1/namespaces/default/configmaps", body));
      return answer.includes("url.example.com");
    });
    expect(answer).toContain("seen and refused");
  } finally {
    await server.stop(true);
  }
});

test("a missing permission is named in one line, and what it kept from being done is done once it is granted", async () => {
  await allowWriting(controlPlane.api, false);
  try {
    const [replica] = await start(1);
    const said = () => (replica?.lines ?? []).filter((line) => line.includes("permission"));
    await mended("the permission to be named", () => said().length > 0);
    expect(said()[0]).toContain('cannot create resource \\"secrets\\"');
    expect(replica?.certificates.problem).toContain('cannot create resource "secrets"');
    await allowWriting(controlPlane.api, true);
    await mended("it to be ready", () => replica?.certificates.problem === undefined);
    expect(await isConsistent()).toBe(true);
    expect(said()).toHaveLength(1);
  } finally {
    await allowWriting(controlPlane.api, true);
  }
});
