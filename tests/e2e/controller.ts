import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { type GuardedProcess, ProcessGroup } from "../../scripts/control_plane/process_group.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { Environment } from "./environment.ts";
import { configFile } from "./installation.ts";

export interface ControllerOptions {
  /** Of the API server, or of a proxy before it. */
  readonly url?: string;
  readonly flags?: readonly string[];
  /** With the configuration of the manifest: webhooks, metrics and leader election on. */
  readonly isInstalled?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 30_000;

/** Starts the compiled executable with the controller's own role and waits until it is ready. */
export async function startController(environment: Environment, options: ControllerOptions = {}): Promise<Controller> {
  const installed = options.isInstalled === true ? [`--config=${await configFile(environment)}`] : [];
  const flags = [...installed, ...(options.flags ?? [])];
  const kubeconfig = await environment.controllerKubeconfig(options.url);
  const controller = new Controller(environment, kubeconfig, { ...options, flags });
  await controller.start();
  return controller;
}

/** The controller as a process, which can be killed and started again; its log goes on in one file. */
export class Controller {
  readonly logFile: string;
  readonly #environment: Environment;
  readonly #kubeconfig: string;
  readonly #options: ControllerOptions;
  readonly #group = new ProcessGroup();
  #process: GuardedProcess | undefined;

  constructor(environment: Environment, kubeconfig: string, options: ControllerOptions) {
    // What is tested is what the manifest grants: no test may run it with more.
    if (readFileSync(kubeconfig, "utf8").includes(environment.description.adminToken)) {
      throw new Error(`start the controller: "${kubeconfig}" logs in as an administrator`);
    }
    this.#environment = environment;
    this.#kubeconfig = kubeconfig;
    this.#options = options;
    this.logFile = environment.writeFile("controller.log", "");
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  isRunning(): boolean {
    return this.#process?.isRunning() === true;
  }

  /** Starts the process; resolves once its caches are filled. */
  async start(): Promise<void> {
    const port = await this.launch();
    await waitFor("the controller to be ready", {
      timeoutMs: START_TIMEOUT_MS,
      everyMs: 10,
      check: async () => {
        if (!this.isRunning()) throw new Error(`start the controller: it ended:\n${this.logTail()}`);
        return await isReady(port);
      },
      describe: () => this.logTail(),
    });
  }

  /** Starts the process without waiting for it; the port of its health probes. */
  async launch(): Promise<number> {
    if (this.isRunning()) throw new Error("start the controller: it is running");
    const [port = 0] = await findFreePorts(1);
    const { description } = this.#environment;
    const flags = [
      `--kubeconfig=${this.#kubeconfig}`,
      `--health-probe-bind-address=127.0.0.1:${port}`,
      "--zap-log-level=2",
      ...(this.#options.flags ?? []),
    ];
    this.#process = this.#group.spawn([description.binary, "controller", ...flags], {
      logFile: this.logFile,
      cwd: description.dir,
      // What is tested is the flag, not what this shell happens to have.
      env: { KUBECONFIG: undefined, HOME: join(description.dir, "nobody"), ...this.#options.env },
    });
    return port;
  }

  /** Of the process that was started last, once it has ended. */
  exitCode(): Promise<number> | undefined {
    return this.#process?.exited;
  }

  /** SIGTERM, as a Pod gets it: the exit code. */
  async terminate(graceMs = 15_000): Promise<number | undefined> {
    return await this.#process?.stop("SIGTERM", graceMs);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#process?.stop("SIGKILL");
  }

  /** Ends it for good. */
  async dispose(): Promise<void> {
    await this.terminate();
    await this.#group.stop();
  }

  /** The end of its log. */
  logTail(lines = 40): string {
    return this.logLines("").slice(-lines).join("\n");
  }

  /** The lines of its log that have this text in them. */
  logLines(text: string): readonly string[] {
    return readFileSync(this.logFile, "utf8").trimEnd().split("\n").filter((line) => line.includes(text));
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    await response.text();
    return response.ok;
  } catch {
    return false; // nobody listens yet
  }
}
