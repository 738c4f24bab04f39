/** Two replicas and one lease (spec 6.3), with short durations; two_replicas_long_test.ts has the long ones. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority, createLeaf } from "../../scripts/control_plane/certificates.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { Cluster } from "./cluster.ts";
import { type Environment, findEnvironment } from "./environment.ts";
import { Replicas, signal } from "./replicas.ts";
import { Load } from "./restart_load.ts";
import { seeded } from "./seeded.ts";

const LEASE_MS = 3_000;
const STOPPED_MS = 4_000;

let environment: Environment;

beforeAll(async () => {
  environment = await findEnvironment();
}, 20 * 60_000);

afterAll(() => environment.stop());

test(
  "the leader is killed, stands still, is told to end: the other takes over in time, and never do two act",
  async () => {
    const cluster = await Cluster.create(environment);
    const flags = async () => [`--namespace=${cluster.namespace}`, "--metrics-bind-address=0", await shortLease()];
    const replicas = await Replicas.start(environment, [await flags(), await flags()]);
    const load = new Load();
    try {
      load.restart(cluster, seeded("leader"));
      const { by: first } = await replicas.takeover(undefined, 10_000);
      await roundsOf(load, replicas);
      await first.controller.kill();
      const { by: second, tookMs: afterKillMs } = await replicas.takeover(first, LEASE_MS + 2_000);
      await first.controller.start();
      await roundsOf(load, replicas);

      const stoppedAt = performance.now();
      signal(second.controller, "SIGSTOP");
      const { by: third, tookMs: afterStopMs } = await replicas.takeover(second, LEASE_MS + 2_000);
      expect(third).toBe(first);
      await waitFor("its time to be over", {
        timeoutMs: STOPPED_MS,
        check: () => performance.now() - stoppedAt > STOPPED_MS,
      });
      replicas.resume(second);
      await waitFor("the former leader to end", { timeoutMs: 5_000, check: () => !second.controller.isRunning() });
      expect(second.controller.logLines("lost the lease")).toHaveLength(1);
      await second.controller.start();
      await roundsOf(load, replicas);

      const exit = third.controller.terminate();
      const { tookMs: afterTermMs } = await replicas.takeover(third, 3_000);
      expect(await exit).toBe(0);
      const rounds = await load.stop();
      const { intrusions, writes, handoversMs } = replicas.reigns([cluster.namespace]);
      expect(intrusions).toEqual([]);
      expect(handoversMs).toHaveLength(3);
      // Spec 6.3: the lease is free as soon as the work under way is done.
      expect(handoversMs.at(-1)).toBeLessThan(1_000);
      for (const { credential } of replicas.all) expect(writes.get(credential)).toBeGreaterThan(10);
      const took = [afterKillMs, afterStopMs, afterTermMs].map((ms) => `${Math.round(ms)} ms`);
      console.log(`${rounds} rounds; takeover after kill -9, SIGSTOP, SIGTERM: ${took.join(", ")}`);
    } finally {
      await replicas.dispose();
      await cluster.remove();
    }
  },
  60_000,
);

async function roundsOf(load: Load, replicas: Replicas): Promise<void> {
  const until = load.rounds + 2;
  await waitFor("the load to get on", {
    timeoutMs: 20_000,
    check: () => load.rounds >= until,
    describe: () => replicas.logTails(),
  });
}

/** A configuration of short durations; with it come webhooks, on a port and with a certificate of their own. */
async function shortLease(): Promise<string> {
  const [port = 0] = await findFreePorts(1);
  const dir = join(environment.description.dir, `e2e-certs-${crypto.randomUUID()}`);
  mkdirSync(dir);
  const { certPem, keyPem } = createLeaf(createAuthority("leader test"), {
    commonName: "webhook",
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
  });
  writeFileSync(join(dir, "tls.crt"), certPem);
  writeFileSync(join(dir, "tls.key"), keyPem);
  const config = {
    apiVersion: "config.jobset.x-k8s.io/v1alpha1",
    kind: "Configuration",
    leaderElection: { leaderElect: true, leaseDuration: "3s", renewDeadline: "2s", retryPeriod: "500ms" },
    internalCertManagement: { enable: false },
    webhook: { host: "127.0.0.1", port, certDir: dir },
  };
  return `--config=${environment.writeFile("short-lease.yaml", JSON.stringify(config))}`;
}
