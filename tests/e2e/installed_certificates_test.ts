/** The webhook certificates of the executable as installed (spec 6.2): whatever happens to them is mended without a restart. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { createAuthority, createLeaf } from "../../scripts/control_plane/certificates.ts";
import { certificateMaker } from "../../src/certs/certificate_maker.ts";
import {
  bundles,
  callReplica,
  callThroughApiServer,
  emptyBundles,
  LateClient,
  SECRET,
  secretTexts,
  setSecret,
} from "./installed_certificates.ts";
import {
  type InstalledReplica,
  installedReplica,
  type OwnInstallation,
  startOwnInstallation,
} from "./own_installation.ts";

/** Issue 2: without a restart. */
const MENDED_MS = 10_000;
/** Nothing is broken meanwhile: every API server has its time to hear of the new CA first. */
const CHANGED_MS = 25_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const SETUP_TIMEOUT_MS = 20 * 60_000;

let installation: OwnInstallation;
let replicas: readonly InstalledReplica[];

beforeAll(async () => {
  installation = await startOwnInstallation();
  const { webhookPort } = installation.description;
  replicas = [await installedReplica(installation, { webhookPort }), await installedReplica(installation)];
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  for (const { controller } of replicas) await controller.dispose();
  await installation.stop();
}, SETUP_TIMEOUT_MS);

/** One CA, one certificate of it, which every replica serves; both configurations trust it, and the API server gets through. */
async function problem(): Promise<string | undefined> {
  const { api } = installation;
  const bundle = (await secretTexts(api))["ca.crt"];
  if (bundle === undefined) return "the Secret is empty";
  if ((await bundles(api)).some((it) => it !== bundle)) return "a configuration has another bundle";
  try {
    const seen = await Promise.all(replicas.map(({ webhookPort }) => callReplica(webhookPort, bundle)));
    if (new Set(seen).size > 1) return "the replicas show different certificates";
    await callThroughApiServer(api);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

async function well(
  what: string,
  isMended: () => Promise<boolean> = () => Promise.resolve(true),
  timeoutMs = MENDED_MS,
): Promise<void> {
  const startedAt = performance.now();
  let found: string | undefined;
  await waitFor(what, {
    timeoutMs,
    everyMs: 20,
    check: async () => {
      found = await isMended() ? await problem() : "not mended yet";
      return found === undefined;
    },
    describe: () => [found, ...replicas.map(({ controller }) => controller.logTail(15))].join("\n"),
  });
  console.log(`${what}: all is well after ${Math.round(performance.now() - startedAt)} ms`);
}

async function mended(what: string, isMended?: () => Promise<boolean>, timeoutMs?: number): Promise<void> {
  const pids = replicas.map(({ controller }) => controller.pid);
  await well(what, isMended, timeoutMs);
  expect(replicas.map(({ controller }) => controller.pid)).toEqual(pids);
  expect(replicas.every(({ controller }) => controller.isRunning())).toBe(true);
}

async function authorities(): Promise<number> {
  return ((await secretTexts(installation.api))["ca.crt"] ?? "").match(/BEGIN CERTIFICATE/g)?.length ?? 0;
}

test("two replicas that start at once on the manifest's empty Secret end with one CA, and both serve", async () => {
  expect(await secretTexts(installation.api)).toEqual({});
  const started = replicas.map(({ controller }) => controller.start());
  await well("two replicas on an empty Secret");
  await Promise.all(started);
  expect(await authorities()).toBe(1);
});

test("a lost Secret comes back as it was", async () => {
  const { api } = installation;
  const before = await secretTexts(api);
  await api.delete(SECRET);
  await mended("a lost Secret", async () => (await secretTexts(api))["ca.crt"] !== undefined);
  expect(await secretTexts(api)).toEqual(before);
});

test("an expired certificate is replaced under the same CA", async () => {
  const { api } = installation;
  const { "ca.crt": certPem = "", "ca.key": keyPem = "" } = await secretTexts(api);
  const nowMs = Date.now() - 400 * DAY_MS;
  const names = ["jobset-webhook-service.jobset-system.svc", "127.0.0.1"];
  const expired = await certificateMaker.makeServer({ issuer: { certPem, keyPem }, names, nowMs });
  await setSecret(api, { "tls.crt": expired.certPem, "tls.key": expired.keyPem });
  await mended("an expired certificate", async () => (await secretTexts(api))["tls.crt"] !== expired.certPem);
  expect((await secretTexts(api))["ca.crt"]).toBe(certPem);
});

test("a foreign certificate, with its foreign CA, gives way to ours", async () => {
  const { api } = installation;
  const before = await secretTexts(api);
  const authority = createAuthority("somebody else");
  const names = { dnsNames: ["jobset-webhook-service.jobset-system.svc"], ipAddresses: ["127.0.0.1"] };
  const leaf = createLeaf(authority, { commonName: "foreign", ...names });
  const foreign = { "ca.crt": authority.certPem, "ca.key": authority.keyPem };
  await setSecret(api, { ...foreign, "tls.crt": leaf.certPem, "tls.key": leaf.keyPem });
  await mended("a foreign certificate", async () => (await secretTexts(api))["tls.crt"] !== leaf.certPem);
  expect((await secretTexts(api))["ca.crt"]).toBe(before["ca.crt"] ?? "");
});

test("an emptied CA bundle is filled again", async () => {
  await emptyBundles(installation.api);
  await mended("an emptied CA bundle");
});

test("a manifest that is applied again changes nothing; one that replaces what is there is mended", async () => {
  const { api, description: { binary, webhookPort } } = installation;
  const before = await secretTexts(api);
  const printed = Bun.spawnSync([binary, "manifests", "--webhook-url", `https://127.0.0.1:${webhookPort}`]);
  const manifest = printed.stdout.toString();
  await installation.mustKubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], manifest);
  expect(await problem()).toBeUndefined();
  await installation.mustKubectl(["replace", "-f", "-"], manifest);
  await mended("a re-applied manifest");
  expect(await secretTexts(api)).toEqual(before);
});

test("a CA of another replica is taken over: whoever trusts the bundle gets through at any moment", async () => {
  const { api } = installation;
  const issuer = await certificateMaker.makeAuthority(Date.now());
  const names = ["jobset-webhook-service.jobset-system.svc", "127.0.0.1"];
  const server = await certificateMaker.makeServer({ issuer, names, nowMs: Date.now() });
  let firstFailure: unknown;
  const client = new LateClient(api);
  await client.call(installation.description.webhookPort);
  await setSecret(api, {
    "ca.crt": issuer.certPem,
    "ca.key": issuer.keyPem,
    "tls.crt": server.certPem,
    "tls.key": server.keyPem,
  });
  await mended("another CA", async () => {
    const all = [callThroughApiServer(api), ...replicas.map(({ webhookPort }) => client.call(webhookPort))];
    await Promise.all(all).catch((error: unknown) => firstFailure ??= error);
    const calls = await Promise.allSettled(replicas.map((it) => callReplica(it.webhookPort, issuer.certPem)));
    return calls.every(({ status }) => status === "fulfilled");
  }, CHANGED_MS);
  expect(firstFailure).toBeUndefined();
  expect(await authorities()).toBe(2);
});
