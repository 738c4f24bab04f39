import { afterEach, beforeEach, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { asString, at, type JsonObject } from "../base/json.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import type { WatchedIdentity } from "./peek_event.ts";
import { Watcher, type WatcherOptions } from "./watcher.ts";

/** A request or stream that the watcher has asked for; the test answers. */
interface Asked {
  readonly request: KubeRequest;
  answer(page: unknown): void;
  refuse(error: unknown): void;
  open(): void;
  /** Lines, each of them complete. */
  send(...events: readonly JsonObject[]): void;
  sendText(text: string): void;
  end(): void;
  cut(error: Error): void;
}

class FakeServer implements KubeClient {
  readonly asked: Asked[] = [];

  request(request: KubeRequest): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#ask(request, { resolve, reject });
    return promise;
  }

  async stream(request: KubeRequest): Promise<ReadableStream<Uint8Array>> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (it) => void (controller = it) });
    this.#ask(request, { resolve, reject, controller: () => controller });
    await promise;
    return body;
  }

  get last(): Asked {
    const last = this.asked.at(-1);
    if (last === undefined) throw new Error("nothing was asked");
    return last;
  }

  #ask(request: KubeRequest, it: {
    resolve: (value: unknown) => void;
    reject: (error: unknown) => void;
    controller?: () => ReadableStreamDefaultController<Uint8Array> | undefined;
  }): void {
    request.signal?.addEventListener("abort", () => it.reject(request.signal?.reason), { once: true });
    const sendText = (text: string) => it.controller?.()?.enqueue(new TextEncoder().encode(text));
    this.asked.push({
      request,
      answer: it.resolve,
      refuse: it.reject,
      open: () => it.resolve(undefined),
      sendText,
      send: (...events) => sendText(events.map((event) => `${JSON.stringify(event)}\n`).join("")),
      end: () => it.controller?.()?.close(),
      cut: (error) => it.controller?.()?.error(error),
    });
  }
}

function object(name: string, resourceVersion: number, kind = "mine"): JsonObject {
  return { kind, metadata: { namespace: "ns", name, uid: `u-${name}`, resourceVersion: String(resourceVersion) } };
}

function event(type: string, name: string, resourceVersion: number, kind?: string): JsonObject {
  return { type, object: object(name, resourceVersion, kind) };
}

function bookmark(resourceVersion: number, isEnd = false): JsonObject {
  const annotations = isEnd ? { "k8s.io/initial-events-end": "true" } : {};
  return { type: "BOOKMARK", object: { metadata: { resourceVersion: String(resourceVersion), annotations } } };
}

let clock = new FakeClock();
let server = new FakeServer();
let told: string[] = [];
let stop = new AbortController();
let running: Promise<void> | undefined;

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer();
  told = [];
  stop = new AbortController();
  running = undefined;
});

afterEach(async () => {
  stop.abort();
  await running;
  await clock.advanceAndSettle(0);
  expect(clock.timerCount).toBe(0);
  expect(server.last.request.signal?.aborted).toBe(true);
});

/** Starts a watcher whose sink writes down what it is told. */
function start(options: Partial<WatcherOptions<string>> = {}): Watcher<string> {
  const watcher = new Watcher<string>({
    client: server,
    path: "/apis/x/v1/things",
    trim: (it) => it["kind"] === "mine" ? asString(at(it, "metadata", "name")) : undefined,
    sink: {
      replace: (items, version) => told.push(`replace ${items.join(",")} @${version}`),
      upsert: (item) => told.push(`upsert ${item}`),
      remove: (it: WatchedIdentity) => told.push(`remove ${it.namespace}/${it.name} ${it.uid} @${it.resourceVersion}`),
    },
    clock,
    random: { next: () => 0 },
    log: { info: () => {}, error: () => {} },
    onProblem: (error, failures) => told.push(`problem ${error.status} #${failures}`),
    onSynced: () => told.push("synced"),
    ...options,
  });
  running = watcher.run(stop.signal);
  return watcher;
}

/** What the sink was told since it was last asked. */
async function heard(): Promise<string[]> {
  await clock.advanceAndSettle(0);
  return told.splice(0);
}

test("the initial state comes in one step, trimmed, and then every event", async () => {
  const watcher = start();
  const { request } = server.last;
  expect(request).toMatchObject({ method: "GET", path: "/apis/x/v1/things", privileged: true, retry: false });
  expect(request.query).toMatchObject({ watch: "1", sendInitialEvents: "true" });
  server.last.open();
  server.last.send(event("ADDED", "a", 1), event("ADDED", "other", 2, "foreign"), event("ADDED", "b", 3));
  server.last.send(event("DELETED", "a", 4), event("ADDED", "c", 5));
  expect(await heard()).toEqual([]);
  expect(watcher.isSynced).toBe(false);
  server.last.send(bookmark(6, true), event("MODIFIED", "b", 7), event("MODIFIED", "c", 8, "foreign"));
  expect(await heard()).toEqual(["replace b,c @6", "synced", "upsert b", "remove ns/c u-c @8"]);
  server.last.send(event("DELETED", "b", 9));
  expect(await heard()).toEqual(["remove ns/b u-b @9"]);
  expect(watcher.isSynced).toBe(true);
  expect(watcher.counters).toEqual({ restarts: 0, relists: 0 });
});

async function synced(options: Partial<WatcherOptions<string>> = {}): Promise<Watcher<string>> {
  const watcher = start(options);
  server.last.open();
  server.last.send(event("ADDED", "a", 1), bookmark(6, true));
  await heard();
  return watcher;
}

/** As API servers write built-in kinds: what is needed comes first. */
function builtIn(type: string, name: string, resourceVersion: number): string {
  const metadata = { name, namespace: "ns", uid: `u-${name}`, resourceVersion: String(resourceVersion) };
  return `${JSON.stringify({ type, object: { kind: "mine", apiVersion: "x/v1", metadata, spec: {} } })}\n`;
}

test("an event that the sink has already is not parsed, but resumed after", async () => {
  const confirmed: string[] = [];
  const sink = {
    replace: (items: readonly string[]) => told.push(`replace ${items.join(",")}`),
    upsert: (item: string) => told.push(`upsert ${item}`),
    remove: (it: WatchedIdentity) => told.push(`remove ${it.namespace}/${it.name} ${it.uid} @${it.resourceVersion}`),
    confirm: ({ name, resourceVersion }: WatchedIdentity) => {
      confirmed.push(`${name}@${resourceVersion}`);
      return name === "known";
    },
  };
  start({ sink });
  server.last.open();
  // The initial state is taken in whole: what it does not name is gone.
  server.last.sendText(builtIn("ADDED", "known", 1));
  server.last.send(bookmark(6, true));
  expect(await heard()).toEqual(["replace known", "synced"]);
  expect(confirmed).toEqual([]);
  server.last.sendText(builtIn("MODIFIED", "known", 7) + builtIn("ADDED", "new", 8) + builtIn("DELETED", "new", 9));
  server.last.sendText(builtIn("MODIFIED", "known", 10));
  server.last.end();
  expect(await heard()).toEqual(["upsert new", "remove ns/new u-new @9"]);
  expect(confirmed).toEqual(["known@7", "new@8", "known@10"]);
  expect(server.last.request.query).toMatchObject({ resourceVersion: "10" });
});

test("what the sink holds is current only while a stream goes on from it", async () => {
  const gone = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } };
  const watcher = start();
  expect(watcher.isCurrent).toBe(false);
  server.last.open();
  server.last.send(event("ADDED", "a", 1));
  await heard();
  expect(watcher.isCurrent).toBe(false);
  server.last.send(bookmark(6, true));
  await heard();
  expect(watcher.isCurrent).toBe(true);
  server.last.end();
  await heard();
  // Whoever does not answer may have done so for long.
  expect(watcher.isCurrent).toBe(false);
  server.last.open();
  await heard();
  expect(watcher.isCurrent).toBe(true);
  server.last.send(gone);
  await heard();
  server.last.open();
  server.last.send(event("ADDED", "b", 100));
  await heard();
  expect(watcher.isCurrent).toBe(false);
  server.last.send(bookmark(101, true));
  expect(await heard()).toEqual(["replace b @101"]);
  expect(watcher.isCurrent).toBe(true);
  server.last.cut(new Error("reset"));
  await heard();
  server.last.refuse(new ApiError({ status: 503, reason: "ServiceUnavailable", message: "away" }));
  await heard();
  expect(watcher.isCurrent).toBe(false);
});

test("a stream that ends is resumed at once where it was, without a list", async () => {
  const watcher = await synced();
  server.last.send(event("MODIFIED", "a", 7));
  server.last.end();
  expect(await heard()).toEqual(["upsert a"]);
  expect(server.asked).toHaveLength(2);
  expect(server.last.request.query).toMatchObject({ resourceVersion: "7" });
  server.last.open();
  server.last.sendText(JSON.stringify(event("ADDED", "b", 8)).slice(0, 20));
  server.last.cut(new Error("reset"));
  expect(await heard()).toEqual(["problem 0 #1"]);
  await clock.advanceAndSettle(800);
  expect(server.last.request.query).toMatchObject({ resourceVersion: "7" });
  server.last.open();
  server.last.send(event("ADDED", "b", 8));
  expect(await heard()).toEqual(["upsert b"]);
  expect(watcher.counters).toEqual({ restarts: 2, relists: 0 });
});

test("a line that is no event breaks the stream; it is resumed before that line", async () => {
  await synced();
  server.last.send(event("MODIFIED", "a", 7));
  server.last.sendText("{oops}\n");
  server.last.send(event("MODIFIED", "a", 9));
  expect(await heard()).toEqual(["upsert a"]);
  expect(server.asked[0]?.request.signal?.aborted).toBe(true);
  expect(server.last.request.query).toMatchObject({ resourceVersion: "7" });
});

test("a stream cut within an event is resumed before that event", async () => {
  await synced();
  server.last.send(event("MODIFIED", "a", 7));
  server.last.sendText('{"type":"ADDED"');
  server.last.end();
  expect(await heard()).toEqual(["upsert a"]);
  expect(server.last.request.query).toMatchObject({ resourceVersion: "7" });
  server.last.open();
  server.last.sendText('{"type":"ADDED"');
  server.last.end();
  expect(await heard()).toEqual(["problem 0 #1"]);
});

test("an initial state that breaks off counts for nothing", async () => {
  start();
  server.last.open();
  server.last.send(event("ADDED", "a", 1), event("ADDED", "b", 2));
  await heard();
  server.last.end();
  await heard();
  server.last.open();
  server.last.send(event("ADDED", "b", 2), bookmark(6, true));
  expect(await heard()).toEqual(["replace b @6", "synced"]);
});

test("a version that is gone replaces the whole state; until then the old one stands", async () => {
  const watcher = await synced();
  server.last.send({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } });
  expect(await heard()).toEqual([]);
  expect(server.last.request.query).toMatchObject({ sendInitialEvents: "true" });
  server.last.open();
  server.last.send(event("ADDED", "z", 20), bookmark(21, true));
  expect(await heard()).toEqual(["replace z @21"]);
  expect(watcher.counters).toEqual({ restarts: 1, relists: 1 });
});

test("a server without watch-list is read in pages, then watched", async () => {
  start({ metadataOnly: true, query: { labelSelector: "x" } });
  expect(server.last.request.accept).toContain("as=PartialObjectMetadata;");
  server.last.refuse(new ApiError({ status: 422, reason: "Invalid", message: "sendInitialEvents is forbidden" }));
  await heard();
  expect(server.last.request).toMatchObject({ query: { labelSelector: "x", limit: "500" } });
  expect(server.last.request.accept).toContain("as=PartialObjectMetadataList;");
  const page = (name: string, more: JsonObject) => ({
    metadata: { resourceVersion: "5", ...more },
    items: [object(name, 1), object("other", 2, "foreign")],
  });
  server.last.answer(page("a", { continue: "next" }));
  expect(await heard()).toEqual([]);
  expect(server.last.request.query).toEqual({ labelSelector: "x", limit: "500", continue: "next" });
  server.last.answer(page("b", { continue: "" }));
  expect(await heard()).toEqual(["replace a,b @5", "synced"]);
  expect(server.last.request.query).toMatchObject({ labelSelector: "x", watch: "1", resourceVersion: "5" });
});

test("an answer that is no list is no empty list", async () => {
  start();
  server.last.refuse(new ApiError({ status: 422, reason: "Invalid", message: "" }));
  await heard();
  server.last.answer("<html>");
  expect(await heard()).toEqual(["problem 0 #1"]);
});

test.each([403, 404])("a %d is told, and tried again", async (status) => {
  start();
  server.last.refuse(new ApiError({ status, reason: "R", message: "words" }));
  expect(await heard()).toEqual([`problem ${status} #1`]);
  await clock.advanceAndSettle(800);
  expect(server.asked).toHaveLength(2);
});

test("a silent stream is renewed, and what the old one still says is not heard", async () => {
  await synced();
  const old = server.last;
  await clock.advanceAndSettle(90_000);
  expect(server.asked).toHaveLength(2);
  expect(old.request.signal?.aborted).toBe(true);
  server.last.open();
  await heard();
  old.send(event("MODIFIED", "a", 99));
  expect(await heard()).toEqual([]);
});

test("a watcher whose loop stands still is not alive", async () => {
  const watcher = await synced();
  await clock.advanceAndSettle(89_000);
  expect(watcher.isAlive).toBe(true);
  // The renewed stream never opens, and the client does not even time out.
  await clock.advanceAndSettle(400_000);
  expect(watcher.isAlive).toBe(false);
});

test("a sink that throws ends the watcher with its error", async () => {
  const sink = {
    replace: () => {},
    remove: () => {},
    upsert: () => {
      throw new Error("broken invariant");
    },
  };
  await synced({ sink });
  const failed = running?.catch((error: unknown) => String(error));
  running = undefined;
  server.last.send(event("MODIFIED", "a", 7));
  expect(await failed).toBe("Error: broken invariant");
});

test("a watch that keeps failing is told to the operator, now and then; a short interruption is not", async () => {
  const lines: string[] = [];
  start({ log: { info: (level, message) => level === 0 && lines.push(message), error: () => {} } });
  const refuse = async (times: number) => {
    for (let time = 0; time < times; time++) {
      server.last.refuse(new ApiError({ status: 403, reason: "Forbidden", message: "no" }));
      await clock.advanceAndSettle(0);
      await clock.advanceAndSettle(30_000);
    }
    return lines.length;
  };
  expect(await refuse(4)).toBe(0);
  expect(await refuse(1)).toBe(1);
  expect(await refuse(50)).toBe(1);
  expect(await refuse(10)).toBe(2);
});

test("a server that answers again after failures is told once", async () => {
  start({ onRecovered: () => told.push("recovered") });
  server.last.open();
  server.last.send(bookmark(5, true));
  expect(await heard()).toEqual(["replace  @5", "synced"]);
  server.last.end();
  await heard();
  for (let time = 0; time < 2; time++) {
    server.last.refuse(new ApiError({ status: 0, reason: "Network", message: "away" }));
    await clock.advanceAndSettle(0);
    await clock.advanceAndSettle(30_000);
  }
  expect(await heard()).toEqual(["problem 0 #1", "problem 0 #2"]);
  server.last.open();
  expect(await heard()).toEqual(["recovered"]);
  server.last.send(event("ADDED", "a", 6));
  server.last.end();
  expect(await heard()).toEqual(["upsert a"]);
  server.last.open();
  expect(await heard()).toEqual([]);
});
