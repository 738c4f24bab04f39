/** The life of one Pod, from being bound to a Node to being gone. */
import type { JsonObject } from "../../src/base/json.ts";
import type { Api } from "../control_plane/api.ts";
import type { ContainerEvent, ContainerListener, ContainerPlayer, ExitedPhase } from "./container.ts";
import { type Fate, fateOf, type FateTable } from "./fate.ts";
import { FatedContainer } from "./fated_container.ts";
import { PodLog } from "./pod_log.ts";
import * as pods from "./pod_fields.ts";
import { podPhase, podStatus } from "./pod_status.ts";
import { isForgotten, type RestartDelay, restartDelayMs } from "./restart_delay.ts";
import { StatusWriter } from "./status_writer.ts";

const HOST_IP = "127.0.0.1";
const NO_FATE: Fate = { startAfterMs: 0, readyAfterMs: 0, ending: undefined, stopAfterMs: 0 };
/** An init container that no process plays succeeds at once. */
const INIT_FATE: Fate = { ...NO_FATE, ending: { afterMs: 0, exitCode: 0, message: "" } };

/** What a process has of its Pod beside the spec. */
export interface ProcessSurroundings {
  readonly podIp: string;
  readonly log: (text: string) => void;
}

/** Makes the player of a container that a real process runs, or undefined where its fate does. */
export type ProcessMaker = (
  pod: JsonObject,
  container: JsonObject,
  listener: ContainerListener,
  surroundings: ProcessSurroundings,
) => ContainerPlayer | undefined;

export interface PodRunnerOptions {
  readonly api: Api;
  readonly pod: JsonObject;
  readonly fates: FateTable;
  readonly podIp: string;
  readonly makeProcess: ProcessMaker;
  readonly restartDelay: RestartDelay;
  /** What a Pod takes before its first container starts: sandbox, network, images. */
  readonly startDelayMs: number;
}

interface Container extends pods.ContainerSpec {
  player: ContainerPlayer | undefined;
  restartTimer: ReturnType<typeof setTimeout> | undefined;
  /** Restarts that its next delay follows from. */
  restarts: number;
  runningSinceMs: number;
}

export class PodRunner {
  readonly key: pods.PodKey;
  readonly log = new PodLog();
  readonly #options: PodRunnerOptions;
  readonly #containers: readonly Container[];
  readonly #writer: StatusWriter;
  readonly #startTime = now();
  readonly #transitions = new Map<string, { readonly status: string; readonly at: string }>();
  #pod: JsonObject;
  #fate: Fate = NO_FATE;
  #fateText = "";
  #problem: string | undefined;
  #startTimer: ReturnType<typeof setTimeout> | undefined;
  #isFirstUpdate = true;
  #isStopping = false;
  #isRemoving = false;
  #isDone: boolean;

  constructor(options: PodRunnerOptions) {
    this.#options = options;
    this.#pod = options.pod;
    this.key = pods.podKey(options.pod);
    this.#containers = pods.containersOf(options.pod).map((c) => ({
      ...c,
      player: undefined,
      restartTimer: undefined,
      restarts: 0,
      runningSinceMs: 0,
    }));
    this.#writer = new StatusWriter(options.api, this.key, () => this.#status());
    this.#isDone = pods.isTerminal(options.pod);
  }

  /** Called once for each state of the Pod that the watch shows, the first included. */
  update(pod: JsonObject): void {
    this.#pod = pod;
    const isFirst = this.#isFirstUpdate;
    this.#isFirstUpdate = false;
    this.#readFate();
    if (pods.isDeleted(pod)) return this.#stop();
    if (this.#isDone || !isFirst) return;
    if (this.#problem !== undefined) {
      this.#isDone = true;
      return this.#writer.changed();
    }
    this.#startTimer = setTimeout(() => this.#startFrom(0), this.#options.startDelayMs + this.#fate.startAfterMs);
  }

  /** The Pod is gone, or the kubelet ends: nothing further is written. */
  dispose(): void {
    clearTimeout(this.#startTimer);
    this.#writer.dispose();
    for (const container of this.#containers) {
      clearTimeout(container.restartTimer);
      container.player?.dispose();
    }
    this.log.close();
  }

  #readFate(): void {
    try {
      const fate = fateOf(this.#pod, this.#options.fates);
      const text = JSON.stringify(fate);
      if (text === this.#fateText) return;
      this.#fateText = text;
      this.#fate = fate;
      this.#problem = undefined;
    } catch (error) {
      if (this.#fateText !== "") return; // a running Pod keeps the fate it had
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#fateText = this.#problem;
    }
    for (const container of this.#containers) {
      if (container.player instanceof FatedContainer && container.state.role !== "init") {
        container.player.changeFate(this.#fate);
      }
    }
  }

  /** Starts the containers from the given one: init containers one after another, sidecars until they are started up. */
  #startFrom(index: number): void {
    if (this.#isStopping) return;
    for (const [offset, container] of this.#containers.slice(index).entries()) {
      const { phase: before } = container.state;
      if (before.kind === "waiting" && before.reason === pods.CREATING) this.#start(container, index + offset);
      const { phase, isStartedUp, role } = container.state;
      const isPassed = role === "init" ? phase.kind === "exited" && phase.exitCode === 0 : isStartedUp;
      if (role !== "main" && !isPassed) break; // its event goes on from here
    }
    this.#writer.changed();
  }

  #start(container: Container, index: number): void {
    const { spec, state } = container;
    const listener = (event: ContainerEvent) => this.#on(event, container, index);
    const fate = state.role === "init" ? INIT_FATE : this.#fate;
    const surroundings = {
      podIp: this.#options.podIp,
      log: (text: string) => this.log.add(state.name, text),
    };
    container.player = this.#options.makeProcess(this.#pod, spec, listener, surroundings) ??
      new FatedContainer(fate, listener);
    container.player.start();
  }

  #on(event: ContainerEvent, container: Container, index: number): void {
    const { state } = container;
    const say = (text: string) => this.log.add(state.name, text);
    switch (event.kind) {
      case "running":
        state.phase = { kind: "running", startedAt: now() };
        container.runningSinceMs = performance.now();
        if (container.player instanceof FatedContainer || container.player === undefined) say("started");
        break;
      case "startedUp":
        state.isStartedUp = true;
        if (state.role === "sidecar") queueMicrotask(() => this.#startFrom(index + 1));
        break;
      case "ready":
        state.isReady = event.isReady;
        if (container.player instanceof FatedContainer) say(event.isReady ? "ready" : "not ready");
        break;
      case "exited":
        say(`exited with code ${event.exitCode}${event.message === "" ? "" : `: ${event.message}`}`);
        this.#onExit(container, index, event);
        // It is being started again already.
        if (state.phase.kind === "exited" && state.lastExit === state.phase) return;
        break;
    }
    this.#writer.changed();
  }

  #onExit(container: Container, index: number, event: { readonly exitCode: number; readonly message: string }): void {
    const { state } = container;
    const startedAt = state.phase.kind === "running" ? state.phase.startedAt : now();
    const exit: ExitedPhase = {
      kind: "exited",
      startedAt,
      finishedAt: now(),
      exitCode: event.exitCode,
      message: event.message,
    };
    state.phase = exit;
    state.isReady = false;
    state.isStartedUp = false;
    if (this.#isStopping) return;
    const action = pods.exitAction(this.#pod, container, event.exitCode);
    if (action === "restartAll") return void this.#restartAll(container);
    if (action === "restart") return this.#restart(container, index, exit);
    if (state.role === "init" && event.exitCode === 0) return queueMicrotask(() => this.#startFrom(index + 1));
    const phase = podPhase(this.#containers.map((c) => c.state));
    if (phase === "Succeeded" || phase === "Failed") void this.#finish();
  }

  #restart(container: Container, index: number, exit: ExitedPhase): void {
    const { state } = container;
    state.lastExit = exit;
    const delayMs = this.#delayMs(container, false);
    // One that waits for nothing is never seen waiting: what is reported next is that it runs again.
    if (delayMs === 0) return this.#startAgain(container, index);
    state.phase = { kind: "waiting", reason: "CrashLoopBackOff" };
    container.restartTimer = setTimeout(() => {
      if (this.#isStopping) return;
      this.#startAgain(container, index);
      this.#writer.changed();
    }, delayMs);
  }

  #startAgain(container: Container, index: number): void {
    container.state.restartCount += 1;
    this.#start(container, index);
  }

  /** How long to wait with the restart that this container's exit leads to. */
  #delayMs(container: Container, isOfAll: boolean): number {
    if (isForgotten(performance.now() - container.runningSinceMs)) container.restarts = 0;
    const delayMs = restartDelayMs(this.#options.restartDelay, { restarts: container.restarts, isOfAll });
    container.restarts += 1;
    return delayMs;
  }

  /** The rule `RestartAllContainers`: all are killed without a grace period, then all start again in the same Pod (KEP-5532). */
  async #restartAll(container: Container): Promise<void> {
    this.#isStopping = true;
    await this.#stopPlayers(0);
    if (this.#isRemoving) return;
    this.#isStopping = false;
    for (const { state } of this.#containers) {
      const { phase } = state;
      if (phase.kind === "exited") state.lastExit = phase;
      // One that was yet to start for the first time is not restarted.
      if (phase.kind !== "waiting" || phase.reason !== pods.CREATING) state.restartCount += 1;
      state.phase = { kind: "waiting", reason: pods.CREATING };
    }
    this.#writer.changed();
    container.restartTimer = setTimeout(() => this.#startFrom(0), this.#delayMs(container, true));
  }

  /** All main containers have ended for good: the sidecars end too. */
  async #finish(): Promise<void> {
    this.#isStopping = true;
    this.#isDone = true;
    await this.#stopPlayers(pods.graceMs(this.#pod));
    this.#writer.changed();
    this.log.close();
  }

  #stop(): void {
    if (this.#isRemoving) return;
    this.#isRemoving = true;
    this.#isStopping = true;
    clearTimeout(this.#startTimer);
    void this.#stopPlayers(pods.graceMs(this.#pod)).then(() => this.#remove());
  }

  async #remove(): Promise<void> {
    await this.#writer.idle();
    this.log.close();
    await this.#writer.remove();
  }

  async #stopPlayers(graceMs: number): Promise<void> {
    for (const container of this.#containers) clearTimeout(container.restartTimer);
    await Promise.all(this.#containers.map((container) => container.player?.stop(graceMs)));
  }

  #status(): JsonObject {
    return podStatus({
      containers: this.#containers.map((container) => container.state),
      podIp: this.#options.podIp,
      hostIp: HOST_IP,
      startTime: this.#startTime,
      transitions: this.#transitions,
      now: now(),
      problem: this.#problem,
    });
  }
}

/** As the API writes times: whole seconds. */
function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}
