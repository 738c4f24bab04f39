/**
 * The two sides of a restart in place (spec 5) in a small world: the controller's plan and the agents' own state machine, joined by
 * an API server whose every reader sees late. The kubelet and the Job controller are played. Nothing in it is random.
 */
import { asObject, type JsonObject } from "../../src/base/json.ts";
import {
  type AgentAction,
  type AgentInput,
  type AgentState,
  agentStep,
  INITIAL_AGENT_STATE,
} from "../../src/agent/agent_step.ts";
import { seenJobSet } from "../../src/agent/seen_job_set.ts";
import { featureGates } from "../../src/api/feature_gates.ts";
import { readJob } from "../../src/api/job.ts";
import { type JobSet, readJobSet, terminalCondition } from "../../src/api/job_set.ts";
import type { Pod } from "../../src/api/pod.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { plan } from "../../src/plan/plan.ts";
import { plainJob, plainPod } from "./in_place_objects.ts";

const GATES = featureGates({ InPlaceRestart: true });
const RESTART_EXIT_CODE = 1;

export interface AgentProcess {
  state: AgentState;
  /** Place in the history of the JobSet up to which it has seen it. */
  seen: number;
  /** An attempt that is being written, or waits to be. */
  write: { attempt: number; isWaiting: boolean } | undefined;
}

export interface SimPod {
  readonly name: string;
  readonly job: SimJob;
  attempt: string | undefined;
  phase: "Running" | "Failed";
  restartCount: number;
  isDeleting: boolean;
  /** Undefined between two runs of its container. */
  process: AgentProcess | undefined;
}

export interface SimJob {
  readonly name: string;
  restartAttempt: number;
  isFailed: boolean;
  isDeleting: boolean;
}

export interface WorldOptions {
  readonly jobs: number;
  readonly podsPerJob: number;
  readonly maxRestarts: number;
}

type PodEvent = { readonly kind: "upsert" | "delete"; readonly pod: Pod };

export class InPlaceWorld {
  readonly options: WorldOptions;
  readonly pods: SimPod[] = [];
  readonly jobs: SimJob[];
  /** Each state that the JobSet was in. */
  readonly history: JsonObject[];
  /** What must never be, and was. */
  readonly violations: string[] = [];
  readonly #podEvents: PodEvent[] = [];
  #controller = { jobSetSeen: 0, podsSeen: 0, pods: new Map<string, Pod>() };
  #podCount = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    const { podsPerJob: size, maxRestarts } = options;
    this.history = [{
      metadata: { namespace: "ns", name: "js", uid: "uid-js", resourceVersion: "1" },
      spec: {
        failurePolicy: { maxRestarts, restartStrategy: "InPlaceRestart" },
        replicatedJobs: [
          { name: "w", replicas: options.jobs, template: { spec: { parallelism: size, completions: size } } },
        ],
      },
    }];
    this.jobs = Array.from({ length: options.jobs }, (_, index) => {
      return { name: `js-w-${index}`, restartAttempt: 0, isFailed: false, isDeleting: false };
    });
    for (const job of this.jobs) this.createMissing(job);
  }

  get jobSet(): JobSet {
    return viewOf(this.history.at(-1));
  }

  get isFailed(): boolean {
    return terminalCondition(this.jobSet.status) !== undefined;
  }

  /** Everybody that runs, in agreement. */
  get isAgreed(): boolean {
    const { currentInPlaceRestartAttempt: current } = this.jobSet.status;
    const { jobs, podsPerJob } = this.options;
    return this.pods.length === jobs * podsPerJob &&
      this.pods.every(({ process }) => process?.state.isLifted === true && process.state.attempt === current);
  }

  // The Job controller.

  /** A Job has as many Pods as it wants, those being deleted aside where it does not wait for them. */
  createMissing(job: SimJob, waitsForOld = true): void {
    if (job.isFailed || job.isDeleting || this.isFailed) return;
    const own = this.pods.filter((pod) => pod.job === job && (waitsForOld || !pod.isDeleting));
    for (let missing = this.options.podsPerJob - own.length; missing > 0; missing--) {
      const name = `p-${this.#podCount++}`;
      const pod: SimPod = {
        name,
        job,
        attempt: undefined,
        phase: "Running",
        restartCount: 0,
        isDeleting: false,
        process: undefined,
      };
      this.pods.push(pod);
      this.#changed(pod);
    }
  }

  /** The Job and its Pods are being deleted; once they are gone the Job is made anew. */
  recreate(job: SimJob): void {
    if (job.restartAttempt >= this.jobSet.status.restarts) return;
    job.isDeleting = true;
    const own = this.pods.filter((pod) => pod.job === job);
    for (const pod of own) this.deletePod(pod);
    if (own.length > 0) return;
    Object.assign(job, { restartAttempt: this.jobSet.status.restarts, isDeleting: false, isFailed: false });
    this.createMissing(job);
  }

  // The kubelet.

  /** A container starts: its agent reads the JobSet as it is now, or as it was a while ago. */
  startContainer(pod: SimPod, behind = 0): void {
    if (pod.process !== undefined || pod.phase === "Failed" || pod.isDeleting) return;
    const seen = Math.max(0, this.history.length - 1 - behind);
    pod.process = { state: INITIAL_AGENT_STATE, seen, write: undefined };
    this.#input(pod, pod.process, { type: "jobSet", jobSet: seenJobSet(this.history[seen] ?? {}) });
  }

  /** The container ends, whoever wanted it; the next run counts. */
  endContainer(pod: SimPod): void {
    pod.process = undefined;
    if (pod.phase === "Failed" || pod.isDeleting) return;
    pod.restartCount++;
    this.#changed(pod);
  }

  failPod(pod: SimPod): void {
    pod.process = undefined;
    pod.phase = "Failed";
    this.#changed(pod);
  }

  deletePod(pod: SimPod): void {
    if (pod.isDeleting) return;
    pod.isDeleting = true;
    this.#changed(pod);
  }

  removePod(pod: SimPod): void {
    pod.process = undefined;
    this.pods.splice(this.pods.indexOf(pod), 1);
    this.#podEvents.push({ kind: "delete", pod: plainPod(pod) });
  }

  // The agents.

  /** An agent has not seen the newest state of the JobSet. */
  hasNews({ process }: SimPod): boolean {
    return process !== undefined && process.seen < this.history.length - 1;
  }

  /** The next state of the JobSet reaches an agent. */
  tellAgent(pod: SimPod): boolean {
    const { process } = pod;
    if (process === undefined || !this.hasNews(pod)) return false;
    process.seen++;
    this.#input(pod, process, { type: "jobSet", jobSet: seenJobSet(this.history[process.seen] ?? {}) });
    return true;
  }

  /** An agent's write arrives, or fails and is tried again. */
  answerAgent(pod: SimPod, isDone = true): boolean {
    const { process } = pod;
    if (process?.write === undefined) return false;
    const { attempt, isWaiting } = process.write;
    process.write = undefined;
    if (isWaiting) this.#input(pod, process, { type: "timer" });
    else if (!isDone) this.#input(pod, process, { type: "applyFailed", retryAfterMs: undefined });
    else {
      this.#write(pod, attempt);
      this.#input(pod, process, { type: "applied" });
    }
    return true;
  }

  // The controller.

  seePods(count: number): boolean {
    const controller = this.#controller;
    const events = this.#podEvents.slice(controller.podsSeen, controller.podsSeen + count);
    controller.podsSeen += events.length;
    for (const { kind, pod } of events) {
      if (kind === "upsert") controller.pods.set(pod.name, pod);
      else controller.pods.delete(pod.name);
    }
    return events.length > 0;
  }

  seeJobSet(count: number): boolean {
    const before = this.#controller.jobSetSeen;
    this.#controller.jobSetSeen = Math.min(before + count, this.history.length - 1);
    return this.#controller.jobSetSeen > before;
  }

  /** A new process lists everything; a replica that waited for its turn may have heard of fewer Pods than the one before. */
  restartController(behind = 0): void {
    this.#controller = { jobSetSeen: 0, podsSeen: 0, pods: new Map() };
    this.seePods(Math.max(0, this.#podEvents.length - behind));
    this.seeJobSet(Number.POSITIVE_INFINITY);
  }

  /** Plans on what is seen; the write takes effect unless the JobSet has changed since, or the process ends before it. */
  reconcile(isWritten = true): boolean {
    const jobSet = viewOf(this.history[this.#controller.jobSetSeen]);
    const { status, error } = plan({
      ...nothingKnown(),
      jobSet,
      jobs: this.jobs.map((job) => readJob(plainJob(job))).filter((job) => job !== undefined),
      hasService: true,
      now: 0,
      gates: GATES,
      pods: this.#controller.pods.values(),
    });
    if (error !== undefined) this.violations.push(`the plan is refused: ${error}`);
    if (status === undefined || !isWritten || this.#controller.jobSetSeen < this.history.length - 1) return false;
    const before = this.jobSet;
    const last = this.history.at(-1) ?? {};
    this.history.push({ ...last, status: { ...asObject(last["status"]), ...status.fields } });
    this.#checkStatus(before, this.jobSet);
    return true;
  }

  #input(pod: SimPod, process: AgentProcess, input: AgentInput): void {
    const context = { hasWorker: true, restartExitCode: RESTART_EXIT_CODE, draw: 0 };
    const { state, actions } = agentStep(process.state, input, context);
    process.state = state;
    for (const action of actions) this.#act(pod, process, action);
  }

  #act(pod: SimPod, process: AgentProcess, action: AgentAction): void {
    switch (action.type) {
      case "apply":
        process.write = { attempt: action.attempt, isWaiting: false };
        return;
      case "setTimer":
        process.write = { attempt: process.state.attempt ?? 0, isWaiting: true };
        return;
      case "liftBarrier":
        return this.#checkLift(pod, action.attempt);
      case "passSignal":
        return;
      case "exit":
        return this.endContainer(pod);
    }
  }

  #write(pod: SimPod, attempt: number): void {
    if (attempt < Number(pod.attempt ?? 0)) this.violations.push(`${pod.name} goes back to attempt ${attempt}`);
    const { currentInPlaceRestartAttempt: current = -1 } = this.jobSet.status;
    if (attempt > current + 1) this.violations.push(`${pod.name} runs ahead: ${attempt} beside current ${current}`);
    if (pod.attempt === String(attempt)) return;
    pod.attempt = String(attempt);
    this.#changed(pod);
  }

  #checkLift(pod: SimPod, attempt: number | undefined): void {
    for (const other of this.pods) {
      if (other.process?.state.isLifted !== true || other.process.state.attempt === attempt) continue;
      this.violations.push(`${pod.name} lifts at ${attempt} while ${other.name} runs ${other.process.state.attempt}`);
    }
  }

  #checkStatus({ status: before }: JobSet, { status: after }: JobSet): void {
    const { currentInPlaceRestartAttempt: current = -1, previousInPlaceRestartAttempt: previous = -1 } = after;
    if (current < (before.currentInPlaceRestartAttempt ?? -1)) this.violations.push(`current falls to ${current}`);
    if (previous < (before.previousInPlaceRestartAttempt ?? -1)) this.violations.push(`previous falls to ${previous}`);
    if (previous > current) this.violations.push(`previous ${previous} passes current ${current}`);
  }

  #changed(pod: SimPod): void {
    this.#podEvents.push({ kind: "upsert", pod: plainPod(pod) });
  }
}

function viewOf(body: JsonObject | undefined): JobSet {
  const view = readJobSet(body ?? {});
  if (view === undefined) throw new Error("the JobSet is not readable");
  return view;
}
