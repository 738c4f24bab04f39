/** SIGTERM while reviews come in (spec 6.3): each is answered, by the replica that ends or by the other. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { describeLoad, DryRunLoad } from "./dry_run_load.ts";
import { bundles, callReplica, callThroughApiServer, secretTexts } from "./installed_certificates.ts";
import {
  type InstalledReplica,
  installedReplica,
  type OwnInstallation,
  startOwnInstallation,
} from "./own_installation.ts";
import { ServiceProxy } from "./service_proxy.ts";

const PER_SECOND = 100;
const ROUNDS = 2;
/** A Service goes on sending connections to a Pod that is told to end until every node has heard of it. */
const HEARD_AFTER_MS = 1_000;
/** So that a replica drains as in a Pod. */
const IN_POD = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "1" };
const ENDED_MS = 15_000;
const SETUP_TIMEOUT_MS = 20 * 60_000;

let installation: OwnInstallation;
let replicas: readonly InstalledReplica[];
let service: ServiceProxy;

beforeAll(async () => {
  installation = await startOwnInstallation();
  service = await ServiceProxy.start(installation.description.webhookPort);
  replicas = [
    await installedReplica(installation, { env: IN_POD }),
    await installedReplica(installation, { env: IN_POD }),
  ];
  await Promise.all(replicas.map(({ controller }) => controller.start()));
  service.setEndpoints(replicas.map(({ webhookPort }) => webhookPort));
  await waitFor("the webhooks to be called", {
    timeoutMs: 10_000,
    check: () => callThroughApiServer(installation.api).then(() => true, () => false),
  });
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  for (const { controller } of replicas) await controller.dispose();
  await service.stop();
  await installation.stop();
}, SETUP_TIMEOUT_MS);

/** Ends one replica under load and starts it again at once, on the same ports. */
async function restart(replica: InstalledReplica, other: InstalledReplica): Promise<void> {
  const { controller, webhookPort } = replica;
  const heard = setTimeout(() => service.setEndpoints([other.webhookPort]), HEARD_AFTER_MS);
  const startedAt = performance.now();
  const code = await controller.terminate(ENDED_MS).finally(() => clearTimeout(heard));
  const tookMs = performance.now() - startedAt;
  service.setEndpoints([other.webhookPort]);
  expect(code).toBe(0);
  expect(controller.logLines("").at(-1)).toMatch(/ INFO stopped$/);
  const restartedAt = performance.now();
  await controller.start();
  const { "ca.crt": bundle = "" } = await secretTexts(installation.api);
  await callReplica(webhookPort, bundle);
  console.log(
    `SIGTERM under load: ended after ${Math.round(tookMs)} ms, ` +
      `serving again ${Math.round(performance.now() - restartedAt)} ms after its start`,
  );
  service.setEndpoints([other.webhookPort, webhookPort]);
}

test(
  "replicas end and start again under load, one at a time: exit code 0, same ports at once, no failed review",
  async () => {
    const { api } = installation;
    const load = new DryRunLoad({ access: api.access, namespace: "default", perSecond: PER_SECOND });
    try {
      for (let round = 0; round < ROUNDS; round++) {
        for (const [index, replica] of replicas.entries()) {
          const other = replicas[1 - index];
          if (other !== undefined) await restart(replica, other);
        }
      }
      const report = await load.stop();
      console.log(describeLoad(report));
      expect(report.failures).toEqual([]);
      expect(report.sent).toBeGreaterThan(100);
    } finally {
      load.kill();
    }
    expect(new Set(await bundles(api)).size).toBe(1);
    for (const { controller } of replicas) expect(controller.logLines(" ERROR ")).toEqual([]);
  },
  120_000,
);
