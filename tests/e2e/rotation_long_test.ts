/**
 * Certificate rotation under load (spec 6.2): 50 times another certificate, some of them with another CA, while JobSets are
 * created through the API server 200 times a second and clients that trust the injected bundle alone call the replica directly.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type CertificateMaker, certificateMaker, type Issuer } from "../../src/certs/certificate_maker.ts";
import { RENEW_BEFORE_MS } from "../../src/certs/certificate_plan.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { describeLoad, DryRunLoad } from "./dry_run_load.ts";
import { callThroughApiServer, LateClient, SECRET, secretTexts, setSecret } from "./installed_certificates.ts";
import {
  type InstalledReplica,
  installedReplica,
  type OwnInstallation,
  startOwnInstallation,
} from "./own_installation.ts";

const PER_SECOND = 200;
/** Of a machine that is busy with other things; the rate is printed. */
const LEAST_SENT = 10_000;
const ROTATIONS = 50;
const DIRECT_EVERY_MS = 100;
const DAY_MS = 24 * 60 * 60 * 1000;
const SERVER_MS = 365 * DAY_MS;
const AUTHORITY_MS = 3650 * DAY_MS;
/** What is written is due for renewal so soon afterwards that the replica has just served it. */
const DUE_IN_MS = 4_000;
/** A new CA is served 5 s after every bundle has it. */
const CHANGED_MS = 30_000;
const NAMES = ["jobset-webhook-service.jobset-system.svc", "127.0.0.1"];
const SETUP_TIMEOUT_MS = 20 * 60_000;

let installation: OwnInstallation;
let replica: InstalledReplica;

beforeAll(async () => {
  installation = await startOwnInstallation();
  const { api, description: { webhookPort } } = installation;
  replica = await installedReplica(installation, { webhookPort });
  await replica.controller.start();
  await waitFor("the webhooks to be called", {
    timeoutMs: 10_000,
    check: () => callThroughApiServer(api).then(() => true, () => false),
  });
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await replica.controller.dispose();
  await installation.stop();
}, SETUP_TIMEOUT_MS);

/** Calls the replica again and again, and keeps what it showed. */
class DirectCalls {
  readonly shown = new Set<string>();
  readonly failures: string[] = [];
  count = 0;
  #isEnded = false;
  readonly #client = new LateClient(installation.api);
  readonly #running = this.#run();

  async stop(): Promise<void> {
    this.#isEnded = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isEnded) {
      const pause = new Promise((resolve) => setTimeout(resolve, DIRECT_EVERY_MS));
      this.count++;
      await this.#client.call(replica.webhookPort).then(
        (fingerprint) => this.shown.add(fingerprint),
        (error: unknown) => this.failures.push(`${new Date().toISOString()} ${String(error)}`),
      );
      await pause;
    }
  }
}

/** Whether the certificate of the Secret is served; `before` was, until now. */
async function served(before: number, calls: DirectCalls, rotations: number): Promise<void> {
  await waitFor(`${rotations} more certificates`, {
    timeoutMs: CHANGED_MS,
    check: () => calls.shown.size >= before + rotations,
    describe: () => replica.controller.logTail(15),
  });
}

function makeServer(issuer: Issuer, nowMs = Date.now()): ReturnType<CertificateMaker["makeServer"]> {
  return certificateMaker.makeServer({ issuer, names: NAMES, nowMs });
}

async function currentAuthority(): Promise<Issuer> {
  const { "ca.crt": certPem = "", "ca.key": keyPem = "" } = await secretTexts(installation.api);
  return { certPem, keyPem };
}

/** As another replica renews it: under the same CA. */
async function renewedByAnother(): Promise<number> {
  const { certPem, keyPem } = await makeServer(await currentAuthority());
  await setSecret(installation.api, { "tls.crt": certPem, "tls.key": keyPem });
  return 1;
}

/** One that is to be renewed in a moment: it is served, and then the replica's own. */
async function renewalDue(): Promise<number> {
  const issued = Date.now() - SERVER_MS + RENEW_BEFORE_MS + DUE_IN_MS;
  const { certPem, keyPem } = await makeServer(await currentAuthority(), issued);
  await setSecret(installation.api, { "tls.crt": certPem, "tls.key": keyPem });
  return 2;
}

/** As another replica makes it: all anew. */
async function anotherAuthority(issued = Date.now()): Promise<number> {
  const issuer = await certificateMaker.makeAuthority(issued);
  const { certPem, keyPem } = await makeServer(issuer);
  await setSecret(installation.api, {
    "ca.crt": issuer.certPem,
    "ca.key": issuer.keyPem,
    "tls.crt": certPem,
    "tls.key": keyPem,
  });
  return 1;
}

/** A CA that is to be renewed in a moment, and long enough after it is served. */
async function authorityDue(): Promise<number> {
  await anotherAuthority(Date.now() - AUTHORITY_MS + RENEW_BEFORE_MS + CHANGED_MS / 2);
  return 2;
}

/** Nothing new comes of it: the replica writes what it remembers. */
async function lostSecret(): Promise<number> {
  await installation.api.delete(SECRET);
  await waitFor("the Secret to be back", {
    timeoutMs: 10_000,
    check: async () => (await secretTexts(installation.api))["tls.crt"] !== undefined,
    describe: () => replica.controller.logTail(15),
  });
  return 0;
}

const STEPS: readonly (() => Promise<number>)[] = [
  renewedByAnother,
  renewalDue,
  renewedByAnother,
  lostSecret,
  renewedByAnother,
  renewalDue,
  renewedByAnother,
  anotherAuthority,
  renewalDue,
  authorityDue,
];

test(`${ROTATIONS} rotations at ${PER_SECOND} creates a second: no request fails`, async () => {
  const { pid } = replica.controller;
  const load = new DryRunLoad({ access: installation.api.access, namespace: "default", perSecond: PER_SECOND });
  const calls = new DirectCalls();
  try {
    await served(0, calls, 1);
    const authorities = new Set<string>();
    let rotations = 0;
    for (let index = 0; rotations < ROTATIONS; index++) {
      const before = calls.shown.size;
      const expected = await STEPS[index % STEPS.length]?.() ?? 0;
      await served(before, calls, expected);
      rotations += expected;
      authorities.add((await currentAuthority()).keyPem);
    }
    const report = await load.stop();
    await calls.stop();
    console.log(`${describeLoad(report)}; ${rotations} rotations, ${authorities.size} CAs`);
    console.log(`${calls.count} direct calls saw ${calls.shown.size} certificates`);
    expect([...report.failures, ...calls.failures]).toEqual([]);
    expect(report.sent).toBeGreaterThan(LEAST_SENT);
    expect(authorities.size).toBeGreaterThan(5);
    expect(replica.controller.pid).toBe(pid);
    expect(replica.controller.isRunning()).toBe(true);
  } finally {
    load.kill();
    await calls.stop();
  }
}, 15 * 60_000);
