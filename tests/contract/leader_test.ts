/**
 * The lease goes to and fro between ours and a holder that is client-go's own: a kube-scheduler that schedules nobody's Pods,
 * with the name of our lease (spec 6.3).
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { writeFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { systemRandom } from "../../src/base/random.ts";
import { loadClusterAccess } from "../../src/client/cluster_access.ts";
import { createKubeClient } from "../../src/client/kube_client.ts";
import { LeaderElector } from "../../src/leader/leader_elector.ts";
import { findBinaries } from "../../scripts/control_plane/binaries.ts";
import { type GuardedProcess, ProcessGroup } from "../../scripts/control_plane/process_group.ts";
import { findVersion } from "../../scripts/control_plane/versions.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

const TIMING = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 };
/** Client-go polls: within retryPeriod and its jitter, and some time for a busy machine. */
const POLLED_MS = TIMING.retryPeriodMs * 2.2 + 1_500;
const TIMEOUT_MS = 60_000;

const group = new ProcessGroup();
let server: SharedServer;
let namespace: TestNamespace;
let kubeconfig = "";
let schedulerBinary = "";

beforeAll(async () => {
  server = await sharedServer();
  namespace = new TestNamespace(server.api);
  await namespace.create();
  const described: unknown = await Bun.file(process.env["JOBSET_E2E"] ?? "").json();
  kubeconfig = asString(at(described, "kubeconfig")) ?? "";
  schedulerBinary = (await findBinaries(findVersion()))["kube-scheduler"];
});

afterAll(async () => {
  await group.stop();
  await namespace.remove();
});

/** One lease, and those who stand for it. */
class Contest {
  readonly name: string;
  readonly #ours: { readonly elector: LeaderElector; readonly abort: AbortController; close(): void }[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get path(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${namespace.name}/leases/${this.name}`;
  }

  async ours(identity: string): Promise<{ readonly elector: LeaderElector; readonly abort: AbortController }> {
    const clock = systemClock();
    const log = { info() {}, error() {} };
    const access = await loadClusterAccess({ kubeconfig, context: undefined, env: {}, clock, log });
    // No request of the election may wait for the limit of all others.
    const client = createKubeClient({ access, env: {}, qps: 0.001, burst: 1, userAgent: "contract-test", clock });
    const elector = new LeaderElector({
      ...TIMING,
      client,
      clock,
      random: systemRandom(),
      log,
      identity,
      namespace: namespace.name,
      name: this.name,
    });
    const abort = new AbortController();
    void elector.run(abort.signal);
    const candidate = { elector, abort, close: () => client.close() };
    this.#ours.push(candidate);
    return candidate;
  }

  /** A process of client-go's, once it stands for the lease. */
  async theirs(): Promise<GuardedProcess> {
    const dir = dirname(process.env["JOBSET_E2E"] ?? "");
    const config = join(dir, `scheduler-${crypto.randomUUID()}.json`);
    writeFileSync(
      config,
      JSON.stringify({
        apiVersion: "kubescheduler.config.k8s.io/v1",
        kind: "KubeSchedulerConfiguration",
        clientConnection: { kubeconfig },
        profiles: [{ schedulerName: "nobody" }],
      }),
    );
    const started = group.spawn([
      schedulerBinary,
      `--config=${config}`,
      "--leader-elect=true",
      `--leader-elect-lease-duration=${TIMING.leaseDurationMs}ms`,
      `--leader-elect-renew-deadline=${TIMING.renewDeadlineMs}ms`,
      `--leader-elect-retry-period=${TIMING.retryPeriodMs}ms`,
      `--leader-elect-resource-name=${this.name}`,
      `--leader-elect-resource-namespace=${namespace.name}`,
      "--secure-port=0",
    ], { logFile: `${config}.log` });
    await waitFor("the other holder to start", {
      timeoutMs: 20_000,
      check: () => /attempting to acquire leader lease/i.test(started.lastLines(200)),
      describe: () => started.lastLines(20),
    });
    return started;
  }

  async spec(): Promise<JsonObject> {
    return Object(at(await this.#stored(), "spec"));
  }

  /** Empty where nobody holds it. */
  async holder(): Promise<string> {
    return asString((await this.spec())["holderIdentity"]) ?? "";
  }

  async uid(): Promise<string | undefined> {
    return asString(at(await this.#stored(), "metadata", "uid"));
  }

  async #stored(): Promise<JsonObject> {
    return (await server.api.request("GET", this.path)).body;
  }

  /** Waits until its holder has renewed it so many times. */
  async renewals(count: number): Promise<void> {
    const seen = new Set<unknown>();
    await waitFor(`${count} renewals of ${this.name}`, {
      timeoutMs: 20_000,
      check: async () => seen.add((await this.spec())["renewTime"]).size > count,
    });
  }

  /** Waits until one of this kind leads; how long that took. While it is theirs, none of ours may write. */
  async heldBy(kind: "ours" | "theirs", timeoutMs: number): Promise<number> {
    const startedAt = performance.now();
    await waitFor(`the lease ${this.name} to be ${kind}`, {
      timeoutMs,
      everyMs: 10,
      check: async () => {
        const mayOursWrite = this.#ours.some(({ elector }) => elector.mayWrite());
        const holder = await this.holder();
        if (holder === "" || holder.startsWith("ours-")) return kind === "ours" && mayOursWrite;
        expect(this.#ours.map(({ elector }) => elector.mayWrite())).not.toContain(true);
        return kind === "theirs";
      },
      describe: async () => JSON.stringify(await this.spec()),
    });
    return performance.now() - startedAt;
  }

  end(): void {
    for (const { abort, close } of this.#ours) {
      abort.abort();
      close();
    }
  }
}

async function contest(name: string, run: (contest: Contest) => Promise<void>): Promise<void> {
  const made = new Contest(name);
  try {
    await run(made);
  } finally {
    made.end();
  }
}

test.concurrent("given back by one it goes to the other, to and fro", () =>
  contest("to-and-fro", async (lease) => {
    const first = await lease.ours("ours-1");
    await lease.heldBy("ours", 5_000);
    const theirs = await lease.theirs();
    await first.elector.release();
    await lease.heldBy("theirs", POLLED_MS);
    const second = await lease.ours("ours-2");
    await lease.renewals(8);
    expect(second.elector.isLeader).toBe(false);
    // It gives the lease back as it ends.
    theirs.kill("SIGTERM");
    const tookMs = await lease.heldBy("ours", 10_000);
    const theirsAgain = await lease.theirs();
    await second.elector.release();
    await lease.heldBy("theirs", POLLED_MS);
    expect((await lease.spec())["leaseTransitions"]).toBe(3);
    expect(theirsAgain.isRunning()).toBe(true);
    console.log(`theirs ended by SIGTERM, ours led after ${Math.round(tookMs)} ms`);
  }), TIMEOUT_MS);

test.concurrent(
  "theirs is killed: ours takes over when the lease has run out, and not before",
  () =>
    contest("theirs-killed", async (lease) => {
      const theirs = await lease.theirs();
      await lease.heldBy("theirs", 20_000);
      await lease.ours("ours-1");
      await lease.renewals(4);
      await theirs.stop("SIGKILL");
      const tookMs = await lease.heldBy("ours", TIMING.leaseDurationMs + 2_000);
      expect(tookMs).toBeGreaterThan(TIMING.leaseDurationMs - TIMING.retryPeriodMs - 1_000);
      expect((await lease.spec())["leaseTransitions"]).toBe(1);
      console.log(`theirs killed, ours led after ${Math.round(tookMs)} ms`);
    }),
  TIMEOUT_MS,
);

test.concurrent(
  "ours vanishes: theirs takes over when the lease has run out",
  () =>
    contest("ours-vanished", async (lease) => {
      const ours = await lease.ours("ours-1");
      await lease.heldBy("ours", 5_000);
      await lease.theirs();
      ours.abort.abort();
      const tookMs = await lease.heldBy("theirs", TIMING.leaseDurationMs + POLLED_MS);
      expect(tookMs).toBeGreaterThan(TIMING.leaseDurationMs - TIMING.retryPeriodMs - 1_000);
      expect((await lease.spec())["leaseTransitions"]).toBe(1);
      console.log(`ours vanished, theirs led after ${Math.round(tookMs)} ms`);
    }),
  TIMEOUT_MS,
);

test.concurrent("a Lease deleted under ours is made anew by it", () =>
  contest("deleted", async (lease) => {
    const leader = await lease.ours("ours-1");
    await lease.heldBy("ours", 5_000);
    const standby = await lease.ours("ours-2");
    for (let round = 0; round < 3; round++) {
      await lease.renewals(2);
      const uid = await lease.uid();
      await server.api.delete(lease.path);
      await waitFor("another Lease", { timeoutMs: 1_000, everyMs: 10, check: async () => await lease.uid() !== uid });
      await lease.renewals(2);
      expect(await lease.holder()).toBe("ours-1");
      expect([leader.elector.mayWrite(), standby.elector.isLeader]).toEqual([true, false]);
    }
  }), TIMEOUT_MS);
