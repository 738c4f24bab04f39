/** A container that is a real process of this machine: our own executable, or a command of our own image. */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { asString, type JsonObject } from "../../src/base/json.ts";
import type { Api } from "../control_plane/api.ts";
import { findFreePorts } from "../control_plane/ports.ts";
import type { GuardedProcess, ProcessGroup } from "../control_plane/process_group.ts";
import type { ContainerListener, ContainerPlayer } from "./container.ts";
import { podKey } from "./pod_fields.ts";
import type { ProcessMaker } from "./pod_runner.ts";
import { isOurs, planProcess, type Probe, type ProcessPlan } from "./process_plan.ts";
import { ServiceAccounts } from "./service_accounts.ts";

export interface ProcessOptions {
  /** As the administrator, for the Pods' tokens. */
  readonly api: Api;
  /** The compiled executable. */
  readonly binary: string;
  /** A folder for tokens and logs. */
  readonly dir: string;
  /** The processes end with it. */
  readonly group: ProcessGroup;
  /** Where the Pods find the API server: a fault proxy, for instance. The API server itself where absent. */
  readonly serverUrl?: string;
}

/** Real kubelets ask once in a period; asked more often, tests need not wait for it. */
const PROBE_EVERY_MS = 200;
/** What stands before a start is asked about more often still: it is part of what is measured. */
const STARTUP_PROBE_EVERY_MS = 100;
const LOG_EVERY_MS = 100;
const START_FAILED = 128;

/**
 * Runs the containers of our own image, and those of other images whose command is our executable; all others are played by their
 * fates. A container's processes run in the folder `pods/UID/CONTAINER` below `dir`, which stays over restarts.
 */
export function processMaker(options: ProcessOptions): ProcessMaker {
  const accounts = new ServiceAccounts(options.api, options.dir);
  /** Where a container's probes ask: its own ports over all its restarts. */
  const ports = new Map<string, readonly number[]>();
  return (pod, container, listener, surroundings) => {
    if (!isOurs(container)) return undefined;
    return new ProcessContainer({ ...options, ...surroundings, pod, container, listener, accounts, ports });
  };
}

interface ContainerParts extends ProcessOptions {
  readonly pod: JsonObject;
  readonly container: JsonObject;
  readonly listener: ContainerListener;
  readonly podIp: string;
  readonly log: (text: string) => void;
  readonly accounts: ServiceAccounts;
  readonly ports: Map<string, readonly number[]>;
}

class ProcessContainer implements ContainerPlayer {
  readonly #parts: ContainerParts;
  readonly #folder: string;
  readonly #abort = new AbortController();
  #process: GuardedProcess | undefined;
  #started: Promise<void> = Promise.resolve();

  constructor(parts: ContainerParts) {
    this.#parts = parts;
    this.#folder = join(parts.dir, "pods", podKey(parts.pod).uid, asString(parts.container["name"]) ?? "");
  }

  start(): void {
    this.#started = this.#run();
  }

  async stop(graceMs: number): Promise<void> {
    this.#abort.abort();
    await this.#started;
    if (graceMs === 0) this.#process?.killGroup();
    await this.#process?.stop("SIGTERM", graceMs);
  }

  dispose(): void {
    this.#abort.abort();
    this.#process?.killGroup();
    this.#parts.accounts.forget(this.#parts.pod);
    this.#parts.ports.delete(this.#folder);
  }

  /** Resolves when the process runs, or never will. */
  async #run(): Promise<void> {
    const { listener, group, log } = this.#parts;
    try {
      mkdirSync(this.#folder, { recursive: true });
      const plan = await this.#plan();
      if (this.#abort.signal.aborted) return;
      const logFile = join(this.#folder, `${crypto.randomUUID()}.log`);
      const child = group.spawn(plan.command, {
        env: plan.env,
        isEnvAlone: true,
        cwd: this.#folder,
        logFile,
        ...(plan.argv0 === undefined ? {} : { argv0: plan.argv0 }),
      });
      this.#process = child;
      listener({ kind: "running" });
      const endLog = followFile(logFile, log);
      void this.#probe(plan);
      void child.exited.then((exitCode) => {
        this.#abort.abort();
        // As a container ends with its first process: what it left behind ends too.
        child.killGroup();
        endLog();
        listener({ kind: "exited", exitCode, message: "" });
      });
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      listener({
        kind: "exited",
        exitCode: START_FAILED,
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #plan(): Promise<ProcessPlan> {
    const { pod, container, binary, podIp, api, serverUrl, accounts } = this.#parts;
    const { hostname, port } = new URL(serverUrl ?? api.access.url);
    const freePorts = [...await this.#freePorts()];
    return planProcess(pod, container, {
      binary,
      podIp,
      portOf: (containerPort) => freePorts.pop() ?? containerPort,
      env: {
        PATH: process.env["PATH"] ?? "/usr/bin:/bin",
        HOME: this.#folder,
        HOSTNAME: podKey(pod).name,
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        JOBSET_SERVICE_ACCOUNT_DIR: await accounts.folderOf(pod),
      },
    });
  }

  /** Two probes have two ports at most. */
  async #freePorts(): Promise<readonly number[]> {
    const { container, ports } = this.#parts;
    if (container["startupProbe"] === undefined && container["readinessProbe"] === undefined) return [];
    const found = ports.get(this.#folder) ?? await findFreePorts(2);
    ports.set(this.#folder, found);
    return found;
  }

  /** Started up when its startup probe says so, or at once; then ready as its readiness probe says. */
  async #probe({ startup, readiness }: ProcessPlan): Promise<void> {
    const { listener } = this.#parts;
    const { signal } = this.#abort;
    if (startup !== undefined && !await this.#isStartedUp(startup)) return;
    if (signal.aborted) return;
    listener({ kind: "startedUp" });
    if (readiness === undefined) return listener({ kind: "ready", isReady: true });
    await pause(readiness.delayMs);
    for (let was = false; !signal.aborted;) {
      const isReady = await isWell(readiness);
      if (signal.aborted) return;
      if (isReady !== was) listener({ kind: "ready", isReady });
      was = isReady;
      await pause(PROBE_EVERY_MS);
    }
  }

  async #isStartedUp(probe: Probe): Promise<boolean> {
    await pause(probe.delayMs);
    const deadline = performance.now() + probe.patienceMs;
    while (!this.#abort.signal.aborted) {
      if (await isWell(probe)) return true;
      if (performance.now() > deadline) {
        this.#parts.log(`killed: its startup probe had no answer of 2xx or 3xx for ${probe.patienceMs / 1000} s`);
        this.#process?.kill("SIGKILL");
        return false;
      }
      await pause(STARTUP_PROBE_EVERY_MS);
    }
    return false;
  }
}

async function isWell(probe: Probe): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1000);
    const response = await fetch(`http://127.0.0.1:${probe.port}${probe.path}`, { signal, redirect: "manual" });
    await response.body?.cancel();
    return response.status >= 200 && response.status < 400;
  } catch {
    return false; // refused: nobody listens yet
  }
}

/** Hands on the whole lines that are appended to a file; the returned function reads what is left and ends it. */
function followFile(file: string, take: (line: string) => void): () => void {
  let position = 0;
  const read = (isLast: boolean) => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? position; // its folder may have been removed
    if (size === position) return;
    const bytes = readFileSync(file).subarray(position);
    const end = isLast ? bytes.length : bytes.lastIndexOf("\n") + 1;
    position += end;
    for (const line of bytes.toString("utf8", 0, end).split("\n")) if (line !== "") take(line);
  };
  const timer = setInterval(() => read(false), LOG_EVERY_MS);
  return () => {
    clearInterval(timer);
    read(true);
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
