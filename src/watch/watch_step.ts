/**
 * A watch as a pure state machine: inputs are what happened, actions what the rim (watcher.ts) has to do.
 *
 * A fresh start asks for the initial state as a stream ("watch-list": events up to a marked bookmark) or, where the
 * server cannot, as pages; either is collected and swapped in in one step. From then on the stream is resumed from the
 * last resourceVersion whenever it ends; only a version that the server no longer keeps leads to a fresh start.
 */

import {
  type ApiError,
  isForbidden,
  isGone,
  isNotFound,
  isTimeout,
  isTooLargeResourceVersion,
  isTooManyRequests,
  isTransient,
  isUnauthorized,
} from "../client/api_error.ts";
import type { WatchLine } from "./watch_line.ts";

export type WatchInput =
  | { readonly type: "start" }
  /** The stream's head has come. */
  | { readonly type: "opened" }
  | { readonly type: "line"; readonly line: WatchLine }
  /** The stream ended, with the error if it was cut. */
  | { readonly type: "ended"; readonly error?: ApiError | undefined }
  /** The request for the stream or the page failed. */
  | { readonly type: "failed"; readonly error: ApiError }
  | { readonly type: "page"; readonly resourceVersion: string; readonly continueToken: string | undefined }
  | { readonly type: "timer" };

export type WatchAction =
  /** Each of the first three ends the stream, request and timer before it. */
  | { readonly type: "openWatch"; readonly query: Readonly<Record<string, string>> }
  | { readonly type: "listPage"; readonly query: Readonly<Record<string, string>> }
  | { readonly type: "closeStream" }
  /** Replaces the timer before it. */
  | { readonly type: "setTimer"; readonly ms: number }
  /** Empty the buffer: a fresh start begins. */
  | { readonly type: "discard" }
  /** Put the line's object (for a delete: take it out), or the page's items, into the buffer. */
  | { readonly type: "collect" }
  /** Hand the line's object on at once. */
  | { readonly type: "deliver" }
  /** The buffer is the whole state now. */
  | { readonly type: "swap"; readonly resourceVersion: string }
  | { readonly type: "report"; readonly error: ApiError; readonly failures: number };

export interface WatchState {
  readonly phase: "waiting" | "opening" | "streaming" | "listing";
  /** Where to resume; undefined: a fresh start. */
  readonly resourceVersion: string | undefined;
  /** How a fresh start asks for the initial state. */
  readonly start: "stream" | "pages";
  /** The server has refused watch-list once: never asked again. */
  readonly streamRefused: boolean;
  /** Streams of this start that ended before the marked bookmark. */
  readonly cutStarts: number;
  /** The open stream still delivers the initial state. */
  readonly initial: boolean;
  readonly continueToken: string | undefined;
  /** The version of the first page: later ones are of the same snapshot. */
  readonly listVersion: string | undefined;
  /** The open stream has brought something new. */
  readonly progressed: boolean;
  readonly timeoutSeconds: number;
  readonly openedAtMs: number;
  readonly heardAtMs: number;
  readonly startedOverAtMs: number;
  /** Waits in a row, for the back-off. */
  readonly failures: number;
}

export interface WatchContext {
  /** The clock that never jumps. */
  readonly nowMs: number;
  /** A random number in [0, 1) for this step. */
  readonly draw: number;
}

export interface WatchStep {
  readonly state: WatchState;
  readonly actions: readonly WatchAction[];
}

export const PAGE_SIZE = 500;
/** Streams are asked to last this long, drawn anew each time so that they do not end together. */
const TIMEOUT_SECONDS = { min: 300, max: 600 };
/** What a stream may last beyond its timeout before it counts as forgotten. */
const GRACE_MS = 10_000;
/** The marked bookmark must have come by then. */
const INITIAL_MS = 60_000;
/** API servers send a bookmark a minute: a stream silent for longer than this is dead, and renewing it costs one request. */
const SILENCE_MS = 90_000;
/** A stream that lasted this long may be resumed at once even if it brought nothing. */
const LASTED_MS = 30_000;
/** A second fresh start within this time waits. */
const START_OVER_EVERY_MS = 10_000;
/** The longest wait that a server may ask for. */
const MAX_ASKED_MS = 60_000;
/**
 * After ten healthy seconds a failure counts as the first. With two minutes, an API server that went away three times
 * within minutes left the caches stale for 45 s.
 */
const BACKOFF = { baseMs: 800, capMs: 30_000, jitter: 0.5, healthyMs: 10_000 };

export const INITIAL_WATCH_STATE: WatchState = {
  phase: "waiting",
  resourceVersion: undefined,
  start: "stream",
  streamRefused: false,
  cutStarts: 0,
  initial: false,
  continueToken: undefined,
  listVersion: undefined,
  progressed: false,
  timeoutSeconds: TIMEOUT_SECONDS.min,
  openedAtMs: -Infinity,
  heardAtMs: -Infinity,
  startedOverAtMs: -Infinity,
  failures: 0,
};

/** The next state and what to do. Inputs that do not belong to the phase (a timer that was under way) change nothing. */
export function watchStep(state: WatchState, input: WatchInput, context: WatchContext): WatchStep {
  switch (input.type) {
    case "start":
      return proceed(state, context);
    case "opened":
      return state.phase === "opening" ? onOpened(state, context) : unchanged(state);
    case "line":
      return state.phase === "streaming" ? onLine(state, input.line, context) : unchanged(state);
    case "ended":
      return state.phase === "streaming" ? onEnded(state, input.error, context) : unchanged(state);
    case "failed":
      return state.phase === "opening" || state.phase === "listing"
        ? onFailed(state, input.error, context)
        : unchanged(state);
    case "page":
      return state.phase === "listing" ? onPage(state, input, context) : unchanged(state);
    case "timer":
      return onTimer(state, context);
  }
}

function unchanged(state: WatchState): WatchStep {
  return { state, actions: [] };
}

/** Does what comes next, at once. */
function proceed(state: WatchState, { nowMs, draw }: WatchContext): WatchStep {
  if (state.resourceVersion === undefined && state.start === "pages") {
    const { continueToken } = state;
    const query = { limit: String(PAGE_SIZE), ...(continueToken === undefined ? {} : { continue: continueToken }) };
    const discard = continueToken === undefined ? [{ type: "discard" } as const] : [];
    return { state: { ...state, phase: "listing" }, actions: [...discard, { type: "listPage", query }] };
  }
  const { min, max } = TIMEOUT_SECONDS;
  const timeoutSeconds = min + Math.floor(draw * (max - min + 1));
  const initial = state.resourceVersion === undefined;
  const query = {
    watch: "1",
    allowWatchBookmarks: "true",
    timeoutSeconds: String(timeoutSeconds),
    ...(state.resourceVersion === undefined
      ? { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" }
      : { resourceVersion: state.resourceVersion }),
  };
  return {
    state: {
      ...state,
      phase: "opening",
      initial,
      timeoutSeconds,
      progressed: false,
      openedAtMs: nowMs,
      heardAtMs: nowMs,
    },
    actions: [...(initial ? [{ type: "discard" } as const] : []), { type: "openWatch", query }],
  };
}

function onOpened(state: WatchState, { nowMs }: WatchContext): WatchStep {
  const opened: WatchState = { ...state, phase: "streaming", openedAtMs: nowMs, heardAtMs: nowMs };
  return { state: opened, actions: [{ type: "setTimer", ms: nextTimerMs(opened, nowMs) }] };
}

/** One timer serves three limits; an event only moves `heardAtMs`, which the timer looks at when it fires. */
function nextTimerMs(state: WatchState, nowMs: number): number {
  const endMs = state.openedAtMs + (state.initial ? INITIAL_MS : state.timeoutSeconds * 1000 + GRACE_MS);
  return Math.min(endMs, state.heardAtMs + SILENCE_MS) - nowMs;
}

function onLine(state: WatchState, line: WatchLine, context: WatchContext): WatchStep {
  switch (line.kind) {
    case "upsert":
    case "delete":
      return {
        state: { ...state, ...heard(state, line.resourceVersion, context) },
        actions: [state.initial ? { type: "collect" } : { type: "deliver" }],
      };
    case "bookmark":
      if (state.initial && line.initialEventsEnd) return synced(state, line.resourceVersion, context);
      return { state: { ...state, ...heard(state, line.resourceVersion, context) }, actions: [] };
    case "error":
      return closed(onStreamError(state, line.error, context));
    case "broken":
      return closed(onEnded(state, line.error, context));
  }
}

/** An initial state can't be resumed half-way: its version counts from the marked bookmark on. */
function heard(state: WatchState, resourceVersion: string, { nowMs }: WatchContext): Partial<WatchState> {
  if (state.initial) return { heardAtMs: nowMs, progressed: true };
  const progressed = state.progressed || resourceVersion !== state.resourceVersion;
  return { heardAtMs: nowMs, resourceVersion, progressed };
}

/** The marked bookmark: the stream goes on as an ordinary watch. */
function synced(state: WatchState, resourceVersion: string, { nowMs }: WatchContext): WatchStep {
  const next: WatchState = {
    ...state,
    resourceVersion,
    initial: false,
    progressed: true,
    heardAtMs: nowMs,
  };
  const timer = { type: "setTimer", ms: nextTimerMs(next, nowMs) } as const;
  return { state: next, actions: [{ type: "swap", resourceVersion }, timer] };
}

function closed({ state, actions }: WatchStep): WatchStep {
  return { state, actions: [{ type: "closeStream" }, ...actions] };
}

function onStreamError(state: WatchState, error: ApiError, context: WatchContext): WatchStep {
  if (mustStartOver(error)) return startOver(state, error, context);
  if (isTooManyRequests(error) || isTimeout(error)) return retryLater(state, error, context);
  return onEnded(state, error, context);
}

/** A stream that brought something, or lasted, is resumed at once: waiting would leave the cache stale. */
function onEnded(state: WatchState, error: ApiError | undefined, context: WatchContext): WatchStep {
  const healthy = context.nowMs - state.openedAtMs >= BACKOFF.healthyMs;
  const after: WatchState = { ...state, ...(healthy ? { failures: 0 } : {}) };
  if (after.initial) {
    const cutStarts = after.cutStarts + 1;
    if (cutStarts >= 2) return proceed({ ...after, cutStarts: 0, start: "pages", continueToken: undefined }, context);
    const again = { ...after, cutStarts };
    return after.progressed ? proceed(again, context) : retryLater(again, error, context);
  }
  const mayResume = after.progressed || context.nowMs - after.openedAtMs >= LASTED_MS;
  return mayResume ? proceed(after, context) : retryLater(after, error, context);
}

function onFailed(state: WatchState, error: ApiError, context: WatchContext): WatchStep {
  if (mustStartOver(error)) return startOver(state, error, context);
  if (state.phase === "opening" && state.initial && error.status === 0 && isTimeout(error)) {
    return proceed({ ...state, start: "pages", continueToken: undefined }, context);
  }
  if (isTransient(error) || isUnauthorized(error) || isForbidden(error) || isNotFound(error)) {
    return retryLater(state, error, context);
  }
  // Any other refusal is about what was asked: watch-list, a continue token, a resourceVersion.
  if (state.phase === "opening" && state.initial) {
    return proceed({ ...state, start: "pages", streamRefused: true, continueToken: undefined }, context);
  }
  return retryLater(freshStart(state), error, context);
}

function mustStartOver(error: ApiError): boolean {
  return isGone(error) || isTooLargeResourceVersion(error);
}

/** Forgets where it was. Pages whose continue token expired are read as pages again. */
function freshStart(state: WatchState): WatchState {
  const keepPages = state.streamRefused || state.phase === "listing";
  return {
    ...state,
    resourceVersion: undefined,
    continueToken: undefined,
    cutStarts: 0,
    start: keepPages ? "pages" : "stream",
  };
}

function startOver(state: WatchState, error: ApiError, context: WatchContext): WatchStep {
  const fresh = { ...freshStart(state), startedOverAtMs: context.nowMs };
  const tooOften = context.nowMs - state.startedOverAtMs < START_OVER_EVERY_MS;
  return tooOften ? retryLater(fresh, error, context) : proceed(fresh, context);
}

/** 0.8 s to 30 s, doubling, with jitter, and no sooner than the server asks, a minute at most. */
function retryLater(state: WatchState, error: ApiError | undefined, { draw }: WatchContext): WatchStep {
  const failures = state.failures + 1;
  const delayMs = Math.min(BACKOFF.baseMs * 2 ** Math.min(state.failures, 16), BACKOFF.capMs);
  const ms = Math.max(delayMs * (1 + BACKOFF.jitter * draw), Math.min(error?.retryAfterMs ?? 0, MAX_ASKED_MS));
  const report: readonly WatchAction[] = error === undefined ? [] : [{ type: "report", error, failures }];
  return { state: { ...state, phase: "waiting", failures }, actions: [...report, { type: "setTimer", ms }] };
}

function onPage(
  state: WatchState,
  page: { readonly resourceVersion: string; readonly continueToken: string | undefined },
  context: WatchContext,
): WatchStep {
  const { continueToken } = page;
  const isFirst = state.continueToken === undefined;
  const listVersion = isFirst || state.listVersion === undefined ? page.resourceVersion : state.listVersion;
  const collect = { type: "collect" } as const;
  if (continueToken !== undefined) {
    const step = proceed({ ...state, continueToken, listVersion }, context);
    return { ...step, actions: [collect, ...step.actions] };
  }
  const step = proceed({
    ...state,
    resourceVersion: listVersion,
    continueToken: undefined,
    listVersion: undefined,
  }, context);
  return { ...step, actions: [collect, { type: "swap", resourceVersion: listVersion }, ...step.actions] };
}

function onTimer(state: WatchState, context: WatchContext): WatchStep {
  if (state.phase === "waiting") return proceed(state, context);
  if (state.phase !== "streaming") return unchanged(state);
  const leftMs = nextTimerMs(state, context.nowMs);
  if (leftMs > 0) return { state, actions: [{ type: "setTimer", ms: leftMs }] };
  if (!state.initial) return closed(onEnded(state, undefined, context));
  return closed(proceed({ ...state, start: "pages", cutStarts: 0, continueToken: undefined }, context));
}
