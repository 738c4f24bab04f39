import { messageOf } from "../base/message_of.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { asArray, asObject, asString, at, type JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { LineSplitter } from "./line_splitter.ts";
import { peekEvent, type WatchedIdentity } from "./peek_event.ts";
import { brokenLine, parseWatchLine, type WatchLine } from "./watch_line.ts";
import { withoutManagedFields } from "./without_managed_fields.ts";
import { INITIAL_WATCH_STATE, type WatchAction, type WatchInput, type WatchState, watchStep } from "./watch_step.ts";

/** Where the events go. A sink that throws ends the watcher, and with it the process: events must not be lost. */
export interface WatchSink<T> {
  /** The whole state as of `resourceVersion`, at the first sync and after each fresh start: what is not in it is gone. */
  replace(items: readonly T[], resourceVersion: string): void;
  upsert(item: T): void;
  /** Deleted, or no longer of interest (`trim` gave undefined): for an object never handed over this means nothing. */
  remove(identity: WatchedIdentity): void;
  /** Whether the sink has this very version already, from the answer to a write of ours: the event is then not parsed. */
  confirm?(identity: WatchedIdentity): boolean;
}

export interface WatcherOptions<T> {
  readonly client: KubeClient;
  /** The collection: `/apis/batch/v1/jobs`, or one namespace's. */
  readonly path: string;
  /** Selectors. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Ask for PartialObjectMetadata. */
  readonly metadataOnly?: boolean | undefined;
  /** What to keep of an object, or undefined if it is of no interest; called as each arrives, so that memory stays small. */
  readonly trim: (object: JsonObject) => T | undefined;
  readonly sink: WatchSink<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Each failure that leads to a wait: 403 and 404 too. `failures` counts them in a row. The watcher goes on trying. */
  readonly onProblem?: ((error: ApiError, failures: number) => void) | undefined;
  /** The server answers again, after failures that `onProblem` was told of. */
  readonly onRecovered?: (() => void) | undefined;
  /** Once, after the first `replace`. */
  readonly onSynced?: (() => void) | undefined;
  /** Failures that somebody else tells of, and that may last: they are logged for debugging only. */
  readonly isToldElsewhere?: ((error: ApiError) => boolean) | undefined;
}

export interface WatchCounters {
  /** Streams opened after the first. */
  readonly restarts: number;
  /** Fresh starts after the first: the whole state was read anew. */
  readonly relists: number;
}

const METADATA_ACCEPT = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json";
const METADATA_LIST_ACCEPT = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

/** Opening a stream, or reading a page of 500 objects. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The state machine sets a timer, waits for a request or hears from the server at least this often. */
const ALIVE_MS = 300_000;

/** Keeps a sink in step with a collection of the API server, for as long as it runs. */
export class Watcher<T> {
  readonly #options: WatcherOptions<T>;
  /** Namespace → name. Joined keys would be a text more for each object, among those that stay. */
  readonly #buffer = new Map<string, Map<string, T>>();
  #state: WatchState = INITIAL_WATCH_STATE;
  /** The stream or request under way; what an older one still says is not heard. */
  #task: AbortController | undefined;
  #timer: Timer | undefined;
  #fail: (error: unknown) => void = () => {};
  #synced = false;
  #isFailing = false;
  #opened = 0;
  #started = 0;
  #steppedAtMs: number;

  constructor(options: WatcherOptions<T>) {
    this.#options = options;
    this.#steppedAtMs = options.clock.monotonic();
  }

  /** Runs until the signal aborts. Rejects only if the sink or `trim` throws. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    this.#fail = reject;
    try {
      this.#step({ type: "start" });
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#stopTask();
    }
  }

  get isSynced(): boolean {
    return this.#synced;
  }

  /** A stream goes on from what the sink holds. Otherwise that may be of some time ago, and after a 410 it surely is. */
  get isCurrent(): boolean {
    return this.#state.phase === "streaming" && !this.#state.initial;
  }

  /** False once nothing at all has happened for minutes, not even a timer: the loop is stuck. */
  get isAlive(): boolean {
    return this.#options.clock.monotonic() - this.#steppedAtMs < ALIVE_MS;
  }

  get counters(): WatchCounters {
    return { restarts: Math.max(this.#opened - 1, 0), relists: Math.max(this.#started - 1, 0) };
  }

  #step(input: WatchInput, carried: Carried = {}): void {
    const { clock, random } = this.#options;
    this.#steppedAtMs = clock.monotonic();
    const { state, actions } = watchStep(this.#state, input, { nowMs: this.#steppedAtMs, draw: random.next() });
    this.#state = state;
    for (const action of actions) this.#act(action, carried);
  }

  #act(action: WatchAction, { line, items }: Carried): void {
    const { path, log, onProblem, isToldElsewhere = () => false } = this.#options;
    switch (action.type) {
      case "openWatch":
        this.#opened += 1;
        return this.#runTask((task) => this.#readStream(task, action.query));
      case "listPage":
        return this.#runTask((task) => this.#readPage(task, action.query));
      case "closeStream":
        return this.#stopTask();
      case "setTimer":
        return this.#setTimer(action.ms);
      case "discard":
        this.#started += 1;
        return this.#buffer.clear();
      case "collect":
        for (const item of items ?? []) this.#collect(item, "upsert");
        if (line !== undefined) this.#collect(line.object, line.kind);
        return;
      case "deliver":
        return line === undefined ? undefined : this.#deliver(line);
      case "swap":
        return this.#swap(action.resourceVersion);
      case "report":
        log.info(
          isToldElsewhere(action.error) ? 4 : isTold(action.failures) ? 0 : 2,
          "watch interrupted, it is tried again",
          {
            path,
            error: action.error.message,
            failures: action.failures,
          },
        );
        this.#isFailing = true;
        return onProblem?.(action.error, action.failures);
    }
  }

  #runTask(run: (task: AbortController) => Promise<void>): void {
    this.#stopTask();
    const task = new AbortController();
    this.#task = task;
    run(task).catch((error) => this.#fail(error));
  }

  #stopTask(): void {
    const task = this.#task;
    this.#task = undefined;
    task?.abort(new Error("the watch goes on with another request"));
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #setTimer(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, () => {
      this.#timer = undefined;
      this.#guard(() => this.#step({ type: "timer" }));
    });
  }

  /** A timer has no promise that could reject. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #readStream(task: AbortController, query: Readonly<Record<string, string>>): Promise<void> {
    const stream = await this.#tried(
      task,
      () => this.#options.client.stream({ ...this.#request(task, query), accept: this.#accept(METADATA_ACCEPT) }),
    );
    if (stream === undefined) return;
    this.#step({ type: "opened" });
    const reader = stream.getReader();
    const splitter = new LineSplitter();
    for (;;) {
      const chunk = await readChunk(reader);
      if (this.#task !== task) return;
      if (chunk instanceof ApiError) return this.#step({ type: "ended", error: chunk });
      if (chunk === undefined) return this.#step({ type: "ended", error: cutWithinLine(splitter) });
      for (const line of linesOf(splitter, chunk, (text) => this.#readLine(text))) {
        this.#step({ type: "line", line }, line.kind === "upsert" || line.kind === "delete" ? { line } : {});
        if (this.#task !== task) return;
      }
    }
  }

  /** Reads a line of the stream, no further than it matters. */
  #readLine(text: string): WatchLine {
    const event = peekEvent(text);
    if (event === undefined) return parseWatchLine(text);
    const { type, identity } = event;
    const { resourceVersion } = identity;
    if (type === "DELETED") return { kind: "delete", object: { metadata: identity }, resourceVersion };
    const isKnown = !this.#state.initial && this.#options.sink.confirm?.(identity) === true;
    if (isKnown) return { kind: "bookmark", resourceVersion, initialEventsEnd: false };
    return parseWatchLine(withoutManagedFields(text));
  }

  async #readPage(task: AbortController, query: Readonly<Record<string, string>>): Promise<void> {
    const page = await this.#tried(
      task,
      () => this.#options.client.request({ ...this.#request(task, query), accept: this.#accept(METADATA_LIST_ACCEPT) }),
    );
    if (page === undefined) return;
    const resourceVersion = asString(at(page, "metadata", "resourceVersion"));
    if (!resourceVersion) {
      const message = `GET ${this.#options.path}: the answer is no list`;
      return this.#step({ type: "failed", error: new ApiError({ status: 0, reason: "BadAnswer", message }) });
    }
    const continueToken = asString(at(page, "metadata", "continue")) || undefined;
    const items = asArray(at(page, "items")).map(asObject).filter((item) => item !== undefined);
    this.#step({ type: "page", resourceVersion, continueToken }, { items });
  }

  #request(task: AbortController, query: Readonly<Record<string, string>>) {
    return {
      method: "GET",
      path: this.#options.path,
      query: { ...this.#options.query, ...query },
      timeoutMs: REQUEST_TIMEOUT_MS,
      signal: task.signal,
      privileged: true,
      retry: false,
    } as const;
  }

  #accept(metadata: string): string | undefined {
    return this.#options.metadataOnly ? metadata : undefined;
  }

  /** The request's result; a failure becomes an input, and what a task says that is no longer current is dropped. */
  async #tried<R>(task: AbortController, send: () => Promise<R>): Promise<R | undefined> {
    let result: R;
    try {
      result = await send();
    } catch (error) {
      if (this.#task === task) this.#step({ type: "failed", error: asApiError(error) });
      return undefined;
    }
    if (this.#task !== task) return undefined;
    if (this.#isFailing) {
      this.#isFailing = false;
      this.#options.onRecovered?.();
    }
    return result;
  }

  #collect(object: JsonObject, kind: "upsert" | "delete"): void {
    const { namespace, name } = identityOf(object);
    const item = kind === "delete" ? undefined : this.#options.trim(object);
    let names = this.#buffer.get(namespace);
    if (item === undefined) {
      names?.delete(name);
      return;
    }
    if (names === undefined) this.#buffer.set(namespace, names = new Map());
    names.set(name, item);
  }

  #deliver({ kind, object }: ObjectLine): void {
    const { sink, trim } = this.#options;
    const item = kind === "delete" ? undefined : trim(object);
    if (item === undefined) sink.remove(identityOf(object));
    else sink.upsert(item);
  }

  #swap(resourceVersion: string): void {
    const items = [...this.#buffer.values()].flatMap((names) => [...names.values()]);
    this.#buffer.clear();
    this.#options.sink.replace(items, resourceVersion);
    if (this.#synced) return;
    this.#synced = true;
    this.#options.onSynced?.();
  }
}

/** Nothing is seen while a watch fails: after half a minute of it, and every half hour, that is for everybody. */
function isTold(failures: number): boolean {
  return failures % 60 === 5;
}

type ObjectLine = Extract<WatchLine, { readonly object: JsonObject }>;

/** The objects that an input is about, beside what the state machine sees of it. */
interface Carried {
  readonly line?: ObjectLine;
  readonly items?: readonly JsonObject[];
}

function identityOf(object: JsonObject): WatchedIdentity {
  const field = (name: string) => asString(at(object, "metadata", name)) ?? "";
  return {
    namespace: field("namespace"),
    name: field("name"),
    uid: field("uid"),
    resourceVersion: field("resourceVersion"),
  };
}

/** The next bytes, undefined at the end, or the error that cut the stream. */
async function readChunk(reader: {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}): Promise<Uint8Array | undefined | ApiError> {
  try {
    return (await reader.read()).value;
  } catch (error) {
    return asApiError(error);
  }
}

function* linesOf(
  splitter: LineSplitter,
  chunk: Uint8Array,
  read: (text: string) => WatchLine,
): Generator<WatchLine> {
  const lines = splitter.push(chunk);
  for (;;) {
    let text: string | undefined;
    try {
      text = lines.next().value ?? undefined;
    } catch (error) {
      return yield brokenLine(String(error));
    }
    if (text === undefined) return;
    yield read(text);
  }
}

function cutWithinLine(splitter: LineSplitter): ApiError | undefined {
  if (splitter.pendingBytes === 0) return undefined;
  return new ApiError({ status: 0, reason: "Network", message: "read a watch: the stream ended within an event" });
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = `read a watch: ${messageOf(error)}`;
  return new ApiError({ status: 0, reason: "Network", message, cause: error });
}
