/** One replica of the controller as a kubelet keeps it: whatever ends it, it is started again a little later. */
import { readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { asArray, asObject, asString, at } from "../../src/base/json.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { Controller } from "../e2e/controller.ts";
import type { Environment } from "../e2e/environment.ts";
import { configFile } from "../e2e/installation.ts";
import { credentialOf } from "../e2e/reigns.ts";
import { JumpingClock } from "./clock_library.ts";

export interface ReplicaOptions {
  readonly environment: Environment;
  readonly name: string;
  /** Of the API server, or of a proxy before it. */
  readonly url: string;
  readonly clock: JumpingClock | undefined;
}

/** Short, so that many elections fit into few minutes. */
const ELECTION = { leaseDuration: "6s", renewDeadline: "4s", retryPeriod: "1s" };
const RESTART_MS = 500;
const PROBE_MS = 500;
/** It told why, or lost its lease. */
const TOLD = 1;
const KILLED = 137;
const STOPPED = 0;
/** How such a line begins (src/cli/error_line.ts). */
const CRASH = "error: unexpected ";

export class Replica {
  readonly name: string;
  readonly webhookPort: number;
  readonly controller: Controller;
  readonly clock: JumpingClock | undefined;
  /** How often it ended by itself, by exit code. */
  readonly ends = new Map<number, number>();
  /** As the audit log names it: its own, and the same after each restart. */
  readonly credential: string;
  /** When it went on after each standstill, in milliseconds since 1970. */
  readonly resumedAtMs: number[] = [];
  #probePort = 0;
  #isStopping = false;
  #run: Promise<void> = Promise.resolve();

  private constructor(
    options: ReplicaOptions,
    { controller, webhookPort, credential }: Pick<Replica, "controller" | "webhookPort" | "credential">,
  ) {
    this.name = options.name;
    this.clock = options.clock;
    this.controller = controller;
    this.webhookPort = webhookPort;
    this.credential = credential;
  }

  static async start(options: ReplicaOptions): Promise<Replica> {
    const { environment, url, clock } = options;
    const [webhooks = 0, metrics = 0] = await findFreePorts(2);
    const config = await configFile(environment, { webhooks, metrics });
    const text = asObject(parse(readFileSync(config, "utf8"))) ?? {};
    const leaderElection = { ...asObject(text["leaderElection"]), ...ELECTION };
    writeFileSync(config, stringify({ ...text, leaderElection }));
    const kubeconfig = await environment.controllerKubeconfig(url);
    const env = clock === undefined ? {} : { env: clock.env };
    const controller = new Controller(environment, kubeconfig, { flags: [`--config=${config}`], ...env });
    const credential = credentialIn(readFileSync(kubeconfig, "utf8"));
    const replica = new Replica(options, { controller, webhookPort: webhooks, credential });
    replica.#run = replica.#keepRunning();
    return replica;
  }

  async isReady(): Promise<boolean> {
    if (!this.controller.isRunning()) return false;
    try {
      const url = `http://127.0.0.1:${this.#probePort}/readyz`;
      const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
      await response.text();
      return response.ok;
    } catch {
      return false;
    }
  }

  signal(name: NodeJS.Signals): void {
    const { pid } = this.controller;
    if (pid !== undefined && this.controller.isRunning()) process.kill(pid, name);
  }

  async standStill(ms: number): Promise<void> {
    this.signal("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.resumedAtMs.push(Date.now());
    this.signal("SIGCONT");
  }

  /** Ends that no controller may come to, such as a crash. */
  get badEnds(): readonly number[] {
    return [...this.ends.keys()].filter((code) => code !== TOLD && code !== KILLED && code !== STOPPED);
  }

  /** What it said when it ended by an error that nobody foresaw: its exit code is that of a lost lease. */
  get crashes(): readonly string[] {
    return this.controller.logLines(CRASH).filter((line) => line.startsWith(CRASH));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    // There is nothing left to be gentle to.
    await this.controller.kill();
    await this.controller.dispose();
    await this.#run;
  }

  async #keepRunning(): Promise<void> {
    while (!this.#isStopping) {
      this.#probePort = await this.controller.launch();
      const { pid } = this.controller;
      const code = await this.controller.exitCode() ?? 0;
      if (pid !== undefined) JumpingClock.forget(pid);
      if (this.#isStopping) return;
      this.ends.set(code, (this.ends.get(code) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
    }
  }
}

function credentialIn(kubeconfig: string): string {
  return credentialOf(asString(at(asArray(at(parse(kubeconfig), "users"))[0], "user", "token")) ?? "");
}
