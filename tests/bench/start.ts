/**
 * What one replica costs as it is installed, with webhooks, metrics and leader election on: how long from the start of its process
 * until it is ready, certificates being in place, and its memory at rest.
 */
import { join } from "node:path";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import type { GuardedProcess } from "../../scripts/control_plane/process_group.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { configFile } from "../e2e/installation.ts";
import { type OwnInstallation, startOwnInstallation } from "../e2e/own_installation.ts";
import type { Budget, Outcome } from "./bench.ts";
import { residentMb } from "./process_usage.ts";
import { median } from "./statistics.ts";

/** Issue 2. */
export const START_BUDGETS: readonly Budget[] = [
  { name: "ready_ms", most: 400 },
  { name: "idle_mb", most: 65 },
  { name: "scraped_mb", most: 65 },
];

const STARTS = 10;
const IDLE_MS = 60_000;
const SCRAPES = 20;
const SCRAPE_EVERY_MS = 500;
const READY_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 2;

export async function runStartBench(say: (line: string) => void): Promise<Outcome> {
  const installation = await startOwnInstallation();
  try {
    const replica = await Replica.prepare(installation);
    await replica.stopped(await replica.start()); // makes the certificates
    const starts: number[] = [];
    for (let index = 0; index < STARTS; index++) {
      const startedAt = performance.now();
      const process = await replica.start();
      starts.push(performance.now() - startedAt);
      await replica.stopped(process);
    }
    say(`process start to ready, ms: ${starts.map((ms) => ms.toFixed(0)).join(" ")}`);
    const { idleMb, scrapedMb } = await measureMemory(replica, say);
    const figures = { ready_ms: median(starts), idle_mb: idleMb, scraped_mb: scrapedMb };
    return { figures, samples: { ready_ms: starts }, faults: [] };
  } finally {
    await installation.stop();
  }
}

async function measureMemory(
  replica: Replica,
  say: (line: string) => void,
): Promise<{ readonly idleMb: number; readonly scrapedMb: number }> {
  const process = await replica.start();
  await pause(IDLE_MS);
  const idleMb = residentMb(process.pid);
  let bytes = 0;
  for (let count = 0; count < SCRAPES; count++) {
    bytes = (await replica.scrape()).length;
    await pause(SCRAPE_EVERY_MS);
  }
  const scrapedMb = residentMb(process.pid);
  say(`RSS ${IDLE_MS / 1000} s after the start: ${idleMb.toFixed(1)} MB`);
  say(`RSS after ${SCRAPES} scrapes of ${(bytes / 1024).toFixed(0)} KiB: ${scrapedMb.toFixed(1)} MB`);
  await replica.stopped(process);
  return { idleMb, scrapedMb };
}

/** The executable with the configuration of the manifest. */
class Replica {
  readonly #installation: OwnInstallation;
  readonly #command: readonly string[];
  readonly #healthPort: number;
  readonly #metricsPort: number;

  private constructor(
    installation: OwnInstallation,
    command: readonly string[],
    ports: { readonly health: number; readonly metrics: number },
  ) {
    this.#installation = installation;
    this.#command = command;
    this.#healthPort = ports.health;
    this.#metricsPort = ports.metrics;
  }

  static async prepare(installation: OwnInstallation): Promise<Replica> {
    const { binary, webhookPort } = installation.description;
    const [health = 0, metrics = 0] = await findFreePorts(2);
    const config = await configFile(installation, { webhooks: webhookPort, metrics });
    const kubeconfig = await installation.controllerKubeconfig();
    const flags = [
      `--config=${config}`,
      `--kubeconfig=${kubeconfig}`,
      `--health-probe-bind-address=127.0.0.1:${health}`,
    ];
    return new Replica(installation, [binary, "controller", ...flags], { health, metrics });
  }

  /** Resolves once it is ready. */
  async start(): Promise<GuardedProcess> {
    const { controlPlane } = this.#installation;
    const logFile = join(controlPlane.dir, "start-bench.log");
    const process = controlPlane.processes.spawn(this.#command, { logFile });
    await waitFor("the controller to be ready", {
      timeoutMs: READY_TIMEOUT_MS,
      everyMs: LOOK_EVERY_MS,
      check: async () => {
        if (!process.isRunning()) throw new Error(`start the controller: it ended:\n${process.lastLines(5)}`);
        const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/readyz`).catch(() => undefined);
        await answer?.text();
        return answer?.ok === true;
      },
      describe: () => process.lastLines(10),
    });
    return process;
  }

  async stopped(process: GuardedProcess): Promise<void> {
    const code = await process.stop("SIGTERM");
    if (code !== 0) throw new Error(`stop the controller: exit code ${code}:\n${process.lastLines(5)}`);
  }

  /** As the administrator, who may. */
  async scrape(): Promise<string> {
    const response = await fetch(`https://127.0.0.1:${this.#metricsPort}/metrics`, {
      headers: { authorization: `Bearer ${this.#installation.description.adminToken}` },
      tls: { rejectUnauthorized: false },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`scrape: ${response.status} ${text}`);
    return text;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
