/** A container that is a real process of this machine: our own executable, or a command of our own image. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Api } from "../control_plane/api.ts";
import { findFreePorts } from "../control_plane/ports.ts";
import type { GuardedProcess, ProcessGroup } from "../control_plane/process_group.ts";
import type { ContainerListener, ContainerPlayer } from "./container.ts";
import { podKey } from "./pod_fields.ts";
import type { ProcessMaker } from "./pod_runner.ts";
import { isOwnImage, planProcess, type Probe, type ProcessPlan } from "./process_plan.ts";

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
const LOG_EVERY_MS = 100;
const START_FAILED = 128;

/** Runs the Pods of our own image; all others are played by their fates. */
export function processMaker(options: ProcessOptions): ProcessMaker {
  return (pod, container, listener, surroundings) => {
    if (!isOwnImage(asString(container["image"]) ?? "")) return undefined;
    return new ProcessContainer({ ...options, ...surroundings, pod, container, listener });
  };
}

interface ContainerParts extends ProcessOptions {
  readonly pod: JsonObject;
  readonly container: JsonObject;
  readonly listener: ContainerListener;
  readonly podIp: string;
  readonly log: (text: string) => void;
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
    await this.#process?.stop("SIGTERM", graceMs);
  }

  dispose(): void {
    this.#abort.abort();
    this.#process?.kill("SIGKILL");
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
    const { pod, container, binary, podIp, api, serverUrl } = this.#parts;
    const { hostname, port } = new URL(serverUrl ?? api.access.url);
    // Two probes have two ports at most.
    const freePorts = [...await findFreePorts(2)];
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
        JOBSET_SERVICE_ACCOUNT_DIR: await this.#writeServiceAccount(),
      },
    });
  }

  /** What a Pod finds in /var/run/secrets/kubernetes.io/serviceaccount, with a token that is bound to the Pod. */
  async #writeServiceAccount(): Promise<string> {
    const { api, pod } = this.#parts;
    const { namespace, name, uid } = podKey(pod);
    const account = asString(at(pod, "spec", "serviceAccountName")) ?? "default";
    const answer = await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 3600, boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid } },
    });
    const folder = join(this.#folder, "serviceaccount");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "token"), asString(at(answer, "status", "token")) ?? "", { mode: 0o600 });
    writeFileSync(join(folder, "namespace"), namespace);
    writeFileSync(join(folder, "ca.crt"), api.access.caPem);
    return folder;
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
      await pause(PROBE_EVERY_MS);
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
    if (statSync(file).size === position) return;
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
