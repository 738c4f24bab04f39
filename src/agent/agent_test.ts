import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { createLogger } from "../base/logger.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { Agent } from "./agent.ts";
import type { PassedSignal } from "./signals.ts";

const SETTINGS = {
  namespace: "ns",
  jobSetName: "js",
  podName: "p",
  restartExitCode: 88,
  barrier: { kind: "probe", path: "/barrier-is-down", port: 8081 },
} as const;

/** A cluster that can go away, under a clock that stands still. */
class World implements KubeClient {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly asked: string[] = [];
  isAway = false;
  losesWrites = false;
  lifts = 0;
  exitCode: number | undefined;
  signal: (signal: PassedSignal) => void = () => {};
  #streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  #status: object = {};
  #uid = "u";
  #version = 1;

  async start(): Promise<void> {
    const { clock } = this;
    const agent = new Agent({
      settings: SETTINGS,
      client: this,
      makeBarrier: () => ({ lift: () => void this.lifts++, pass: () => {}, end: () => Promise.resolve() }),
      signals: { listen: (listener) => void (this.signal = listener) },
      clock,
      random: { next: () => 0.5 },
      log: createLogger({ clock, verbosity: 0, write: (line) => this.lines.push(line.slice(25, -1)) }),
    });
    void agent.run().then((code) => this.exitCode = code);
    await clock.advanceAndSettle(0);
  }

  request({ method, path }: KubeRequest): Promise<unknown> {
    this.asked.push(`${method} ${path}`);
    return this.isAway || this.losesWrites ? Promise.reject(refused()) : Promise.resolve({});
  }

  stream({ query, signal }: KubeRequest): Promise<ReadableStream<Uint8Array>> {
    const version = query?.["resourceVersion"];
    this.asked.push(`watch from ${version ?? "the start"}`);
    if (this.isAway) return Promise.reject(refused());
    return Promise.resolve(
      new ReadableStream({
        start: (controller) => {
          this.#streams.push(controller);
          signal?.addEventListener("abort", () => this.#drop(controller));
          if (version !== undefined) return;
          controller.enqueue(this.#line("ADDED"));
          const annotations = { "k8s.io/initial-events-end": "true" };
          const object = { metadata: { resourceVersion: String(this.#version), annotations } };
          controller.enqueue(new TextEncoder().encode(`${JSON.stringify({ type: "BOOKMARK", object })}\n`));
        },
      }),
    );
  }

  async setStatus(status: object): Promise<void> {
    this.#status = status;
    for (const stream of this.#streams) stream.enqueue(this.#line("MODIFIED"));
    await this.clock.advanceAndSettle(1);
  }

  /** Deleted, and one of the same name created. */
  async remake(): Promise<void> {
    for (const stream of this.#streams) stream.enqueue(this.#line("DELETED"));
    this.#uid += "2";
    this.#status = {};
    for (const stream of this.#streams) stream.enqueue(this.#line("ADDED"));
    await this.clock.advanceAndSettle(1);
  }

  async goAway(): Promise<void> {
    this.isAway = true;
    for (const stream of this.#streams.splice(0)) stream.error(refused());
    await this.clock.advanceAndSettle(1);
  }

  #drop(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#streams = this.#streams.filter((stream) => stream !== controller);
  }

  #line(type: string): Uint8Array {
    this.#version += 1;
    const object = {
      metadata: { name: "js", namespace: "ns", uid: this.#uid, resourceVersion: String(this.#version) },
      spec: { failurePolicy: { restartStrategy: "InPlaceRestart" } },
      status: this.#status,
    };
    return new TextEncoder().encode(`${JSON.stringify({ type, object })}\n`);
  }
}

function refused(): ApiError {
  return new ApiError({ status: 0, reason: "Network", message: "refused" });
}

test("one watch and one write, however long it runs", async () => {
  const world = new World();
  await world.start();
  await world.setStatus({ currentInPlaceRestartAttempt: 0 });
  expect(world.lifts).toBe(1);
  for (let change = 0; change < 100; change++) await world.setStatus({ currentInPlaceRestartAttempt: 0, restarts: 0 });
  expect(world.asked).toEqual(["watch from the start", "PATCH /api/v1/namespaces/ns/pods/p"]);
  expect(world.lines).toEqual([
    "INFO waiting at the barrier jobset=ns/js pod=p mode=probe",
    "INFO takes part in an attempt jobset=ns/js attempt=0",
    "INFO barrier lifted jobset=ns/js attempt=0",
  ]);
});

test("an API server that is away for ten minutes ends no worker, is asked seldom, and told of once", async () => {
  const world = new World();
  await world.start();
  await world.setStatus({ currentInPlaceRestartAttempt: 0 });
  const before = world.asked.length;
  await world.goAway();
  await world.clock.advanceAndSettle(10 * 60_000);
  expect([world.lifts, world.exitCode]).toEqual([1, undefined]);
  const tries = world.asked.slice(before);
  expect(tries.length).toBeLessThan(30);
  // It would go on where it was.
  expect(new Set(tries)).toEqual(new Set(["watch from 3"]));
  world.isAway = false;
  await world.clock.advanceAndSettle(60_000);
  await world.setStatus({ currentInPlaceRestartAttempt: 0, previousInPlaceRestartAttempt: 0 });
  expect(world.exitCode).toBe(88);
  expect(world.lines.slice(3)).toEqual([
    "INFO cannot watch the JobSet, trying again jobset=ns/js error=refused",
    "INFO watching the JobSet again jobset=ns/js",
    "INFO another worker failed: restarting in place jobset=ns/js attempt=0 previous=0 code=88",
  ]);
});

test("one that is away at the start is waited for, and told of once", async () => {
  const world = new World();
  await world.goAway();
  await world.start();
  await world.clock.advanceAndSettle(10 * 60_000);
  expect([world.lifts, world.exitCode]).toEqual([0, undefined]);
  world.isAway = false;
  await world.clock.advanceAndSettle(60_000);
  await world.setStatus({ currentInPlaceRestartAttempt: 0 });
  expect(world.lifts).toBe(1);
  expect(world.lines.slice(1)).toEqual([
    "INFO cannot watch the JobSet, trying again jobset=ns/js error=refused",
    "INFO watching the JobSet again jobset=ns/js",
    "INFO takes part in an attempt jobset=ns/js attempt=0",
    "INFO barrier lifted jobset=ns/js attempt=0",
  ]);
});

test("a write that gets no answer is tried again until it has one, and told of once", async () => {
  const world = new World();
  world.losesWrites = true;
  await world.start();
  await world.setStatus({ currentInPlaceRestartAttempt: 0 });
  await world.clock.advanceAndSettle(10 * 60_000);
  expect(world.lifts).toBe(0);
  const writes = world.asked.filter((line) => line.startsWith("PATCH")).length;
  expect(writes).toBeGreaterThan(10);
  expect(writes).toBeLessThan(40);
  world.losesWrites = false;
  await world.clock.advanceAndSettle(60_000);
  expect(world.lifts).toBe(1);
  expect(world.lines.slice(1)).toEqual([
    "INFO cannot write the attempt, trying again jobset=ns/js error=refused",
    "INFO takes part in an attempt jobset=ns/js attempt=0",
    "INFO barrier lifted jobset=ns/js attempt=0",
  ]);
});

test("a JobSet that is made anew under the same name says nothing to a Pod of the one before it", async () => {
  const world = new World();
  await world.start();
  await world.remake();
  await world.setStatus({ currentInPlaceRestartAttempt: 0 });
  await world.setStatus({ currentInPlaceRestartAttempt: 0, previousInPlaceRestartAttempt: 0 });
  expect([world.lifts, world.exitCode]).toEqual([0, undefined]);
  expect(world.lines.slice(2)).toEqual([
    "INFO there is no such JobSet jobset=ns/js",
    "INFO the JobSet is another one of the same name: this Pod belongs to the one before it jobset=ns/js",
  ]);
});

test("told to stop it leaves no timer and no request behind", async () => {
  const world = new World();
  await world.start();
  world.signal("SIGTERM");
  await world.clock.advanceAndSettle(1);
  expect(world.exitCode).toBe(143);
  expect(world.clock.timerCount).toBe(0);
});
