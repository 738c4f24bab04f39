/**
 * The agent as a pure state machine (spec 5.2): inputs are what happened, actions what the rim (agent.ts) has to do.
 *
 * Its own attempt is decided once, when it first sees its JobSet, and written before anything else is done with it: the
 * controller must know of this Pod before the Pod may act on what the controller says.
 */
import type { SeenJobSet } from "./seen_job_set.ts";
import { isEnding, type PassedSignal, signalExitCode } from "./signals.ts";

export type AgentInput =
  /** The JobSet as it is now; undefined: there is none. */
  | { readonly type: "jobSet"; readonly jobSet: SeenJobSet | undefined }
  | { readonly type: "applied" }
  /** `retryAfterMs`: how long the server asked us to wait. */
  | { readonly type: "applyFailed"; readonly retryAfterMs: number | undefined }
  | { readonly type: "timer" }
  | { readonly type: "workerExited"; readonly code: number }
  | { readonly type: "signal"; readonly signal: PassedSignal };

export type AgentAction =
  /** Write the attempt into the Pod's annotation; exactly one answer comes back as an input. */
  | { readonly type: "apply"; readonly attempt: number }
  | { readonly type: "setTimer"; readonly ms: number }
  /** Serve 200, or start the worker. At most once. */
  | { readonly type: "liftBarrier"; readonly attempt: number | undefined }
  | { readonly type: "passSignal"; readonly signal: PassedSignal }
  /** End this process, and the worker's before it. Always the last action. */
  | { readonly type: "exit"; readonly code: number; readonly reason: ExitReason };

export type ExitReason = "restart" | "worker" | "signal";

export interface AgentState {
  readonly jobSet: SeenJobSet | undefined;
  /** Undefined until it is decided. */
  readonly attempt: number | undefined;
  /** Whether the Pod's annotation says `attempt`; "paused": in-place restart was turned off meanwhile. */
  readonly write: "none" | "sending" | "waiting" | "paused" | "done";
  /** Writes that failed in a row. */
  readonly failures: number;
  readonly isLifted: boolean;
  readonly hasEnded: boolean;
}

export interface AgentContext {
  /** Lifting starts a worker, which decides what signals mean. */
  readonly hasWorker: boolean;
  readonly restartExitCode: number;
  /** A random number in [0, 1) for this step. */
  readonly draw: number;
}

export interface AgentStep {
  readonly state: AgentState;
  readonly actions: readonly AgentAction[];
}

/** The first retry comes soon, as the whole group waits for it; a missing permission is not asked about all the time. */
const RETRY = { baseMs: 200, capMs: 30_000, jitter: 0.5 };
/** The longest wait that a server may ask for. */
const MAX_ASKED_MS = 60_000;

export const INITIAL_AGENT_STATE: AgentState = {
  jobSet: undefined,
  attempt: undefined,
  write: "none",
  failures: 0,
  isLifted: false,
  hasEnded: false,
};

/** The next state and what to do. After an `exit` every input changes nothing. */
export function agentStep(state: AgentState, input: AgentInput, context: AgentContext): AgentStep {
  if (state.hasEnded) return { state, actions: [] };
  switch (input.type) {
    case "jobSet":
      return decide({ ...state, jobSet: input.jobSet }, context);
    case "applied":
      return decide({ ...state, write: "done", failures: 0 }, context);
    case "applyFailed":
      return onApplyFailed(state, input.retryAfterMs, context);
    case "timer":
      return state.write === "waiting" ? onTimer(state) : { state, actions: [] };
    case "workerExited":
      return exit(state, input.code, "worker");
    case "signal":
      return onSignal(state, input.signal, context);
  }
}

function decide(state: AgentState, { restartExitCode }: AgentContext): AgentStep {
  const { jobSet, attempt } = state;
  // Not there yet, or deleted: the Pod is about to follow it, or the JobSet about to come.
  if (jobSet === undefined) return { state, actions: [] };
  if (!jobSet.isInPlace) return lift(state);
  if (attempt === undefined) return join(state, jobSet);
  if (state.write === "paused") return apply(state, attempt);
  if (state.write !== "done") return { state, actions: [] };
  if (jobSet.previous !== undefined && attempt <= jobSet.previous) return exit(state, restartExitCode, "restart");
  return attempt === jobSet.current ? lift(state) : { state, actions: [] };
}

/**
 * A Pod that starts asks for the next attempt, which restarts all others. One whose barrier was lifted because in-place restart
 * was turned off runs already: as that is turned on again it joins the attempt under way.
 */
function join(state: AgentState, { current }: SeenJobSet): AgentStep {
  return apply(state, current === undefined ? 0 : state.isLifted ? current : current + 1);
}

function apply(state: AgentState, attempt: number): AgentStep {
  return { state: { ...state, attempt, write: "sending" }, actions: [{ type: "apply", attempt }] };
}

function lift(state: AgentState): AgentStep {
  if (state.isLifted) return { state, actions: [] };
  const attempt = state.jobSet?.isInPlace === true ? state.attempt : undefined;
  return { state: { ...state, isLifted: true }, actions: [{ type: "liftBarrier", attempt }] };
}

function onApplyFailed(state: AgentState, retryAfterMs: number | undefined, { draw }: AgentContext): AgentStep {
  if (state.jobSet?.isInPlace === false) return { state: { ...state, write: "paused" }, actions: [] };
  const delayMs = Math.min(RETRY.baseMs * 2 ** Math.min(state.failures, 16), RETRY.capMs);
  const ms = Math.max(delayMs * (1 + RETRY.jitter * draw), Math.min(retryAfterMs ?? 0, MAX_ASKED_MS));
  return {
    state: { ...state, write: "waiting", failures: state.failures + 1 },
    actions: [{ type: "setTimer", ms }],
  };
}

function onTimer(state: AgentState): AgentStep {
  if (state.attempt === undefined || state.jobSet?.isInPlace === false) {
    return { state: { ...state, write: "paused" }, actions: [] };
  }
  return apply(state, state.attempt);
}

/** The worker decides by how it ends; without one the agent ends as a process that handles no signals does. */
function onSignal(state: AgentState, signal: PassedSignal, { hasWorker }: AgentContext): AgentStep {
  if (hasWorker && state.isLifted) return { state, actions: [{ type: "passSignal", signal }] };
  return isEnding(signal) ? exit(state, signalExitCode(signal), "signal") : { state, actions: [] };
}

function exit(state: AgentState, code: number, reason: ExitReason): AgentStep {
  return { state: { ...state, hasEnded: true }, actions: [{ type: "exit", code, reason }] };
}
