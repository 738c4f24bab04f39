import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { asString, at } from "../base/json.ts";
import { messageOf } from "../base/message_of.ts";
import type { Random } from "../base/random.ts";
import { API_VERSION } from "../api/keys.ts";
import { ApiError, isForbidden } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { Watcher } from "../watch/watcher.ts";
import { type AgentAction, type AgentInput, agentStep, INITIAL_AGENT_STATE } from "./agent_step.ts";
import { attemptRequest } from "./attempt_request.ts";
import type { Barrier } from "./barrier.ts";
import { type SeenJobSet, seenJobSet } from "./seen_job_set.ts";
import type { AgentSettings } from "./settings.ts";
import type { Signals } from "./signals.ts";

export interface AgentOptions {
  readonly settings: AgentSettings;
  readonly client: KubeClient;
  /** The barrier; `onExit` is told of the end of its worker. */
  readonly makeBarrier: (onExit: (code: number) => void) => Barrier;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

type EventListener = (input: AgentInput) => void;

interface Identified {
  readonly uid: string;
  readonly jobSet: SeenJobSet;
}

const NO_JOBSET = "there is no such JobSet";
const OTHER_JOBSET = "the JobSet is another one of the same name: this Pod belongs to the one before it";

/** The watch speaks through us: its own lines are for a controller. */
const SILENT: Log = { info: () => {}, error: () => {} };

/** Does what the state machine (agent_step.ts) says: one watch, one write, one barrier. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #name: string;
  readonly #ended = Promise.withResolvers<number>();
  readonly #abort = new AbortController();
  #state = INITIAL_AGENT_STATE;
  #barrier: Barrier | undefined;
  #timer: Timer | undefined;
  /** Of the JobSet that was seen first. */
  #uid: string | undefined;
  /** Why there is no JobSet to follow. */
  #absence: string | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#name = `${options.settings.namespace}/${options.settings.jobSetName}`;
  }

  /** Runs until it is to end; the exit code. Throws one clear line where the barrier can't be put up. */
  async run(): Promise<number> {
    const { makeBarrier, signals, settings, log } = this.#options;
    const step: EventListener = (input) => this.#step(input);
    this.#barrier = makeBarrier((code) => step({ type: "workerExited", code }));
    signals.listen((signal) => step({ type: "signal", signal }));
    log.info(0, "waiting at the barrier", { jobset: this.#name, pod: settings.podName, mode: settings.barrier.kind });
    const watching = this.#watch();
    try {
      return await Promise.race([this.#ended.promise, watching]);
    } finally {
      this.#abort.abort();
      this.#timer?.cancel();
      await this.#barrier.end();
    }
  }

  /** Never resolves before the end; rejects only where an invariant broke. */
  async #watch(): Promise<number> {
    const { settings, client, clock, random, log } = this.#options;
    const watcher = new Watcher<Identified>({
      client,
      path: `/apis/${API_VERSION}/namespaces/${settings.namespace}/jobsets`,
      query: { fieldSelector: `metadata.name=${settings.jobSetName}` },
      trim: (body) => ({ uid: asString(at(body, "metadata", "uid")) ?? "", jobSet: seenJobSet(body) }),
      sink: {
        replace: ([first]) => this.#see(first),
        upsert: (seen) => this.#see(seen),
        remove: () => this.#see(undefined),
      },
      clock,
      random,
      log: SILENT,
      onProblem: (error, failures) => this.#tell("cannot watch the JobSet, trying again", error, failures),
      onRecovered: () => log.info(0, "watching the JobSet again", { jobset: this.#name }),
    });
    await watcher.run(this.#abort.signal);
    return await this.#ended.promise;
  }

  /** A Pod that outlives its JobSet for a while must not take the next one of that name for it, and start working beside its Pods. */
  #see(seen: Identified | undefined): void {
    this.#uid ??= seen?.uid;
    const absence = seen === undefined ? NO_JOBSET : seen.uid === this.#uid ? undefined : OTHER_JOBSET;
    if (absence !== undefined && absence !== this.#absence) this.#options.log.info(0, absence, { jobset: this.#name });
    this.#absence = absence;
    this.#step({ type: "jobSet", jobSet: absence === undefined ? seen?.jobSet : undefined });
  }

  #step(input: AgentInput): void {
    const { settings, random } = this.#options;
    const { state, actions } = agentStep(this.#state, input, {
      hasWorker: settings.barrier.kind === "worker",
      restartExitCode: settings.restartExitCode,
      draw: random.next(),
    });
    this.#state = state;
    for (const action of actions) this.#act(action);
  }

  #act(action: AgentAction): void {
    const { clock, log } = this.#options;
    const jobset = this.#name;
    switch (action.type) {
      case "apply":
        return void this.#apply(action.attempt);
      case "setTimer":
        this.#timer = clock.after(action.ms, () => this.#step({ type: "timer" }));
        return;
      case "liftBarrier":
        log.info(0, "barrier lifted", { jobset, attempt: action.attempt });
        return this.#barrier?.lift();
      case "passSignal":
        return this.#barrier?.pass(action.signal);
      case "exit": {
        const { attempt, jobSet } = this.#state;
        const fields = { jobset, attempt, previous: jobSet?.previous, code: action.code };
        log.info(0, EXIT_MESSAGES[action.reason], fields);
        return this.#ended.resolve(action.code);
      }
    }
  }

  async #apply(attempt: number): Promise<void> {
    const { settings, client, log } = this.#options;
    const { namespace, podName: name } = settings;
    try {
      await client.request({ ...attemptRequest({ namespace, name }, attempt), signal: this.#abort.signal });
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#tell("cannot write the attempt, trying again", error, this.#state.failures + 1);
      const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : undefined;
      return this.#step({ type: "applyFailed", retryAfterMs });
    }
    log.info(0, "takes part in an attempt", { jobset: this.#name, attempt });
    this.#step({ type: "applied" });
  }

  /** The first failure of a row; what is forbidden is told by the client (access_problems.ts). */
  #tell(message: string, error: unknown, failures: number): void {
    if (failures > 1 || isForbidden(error)) return;
    this.#options.log.info(0, message, { jobset: this.#name, error: messageOf(error) });
  }
}

const EXIT_MESSAGES = {
  restart: "another worker failed: restarting in place",
  worker: "the worker ended",
  signal: "told to stop",
} as const;
