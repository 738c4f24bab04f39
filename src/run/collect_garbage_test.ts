import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { collectGarbage } from "./collect_garbage.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));
const LIVE_MB = 10;
const PEAK_MB = 200;

class World {
  readonly clock = new FakeClock();
  readonly ended = new AbortController();
  heapMb = LIVE_MB;
  liveMb = LIVE_MB;
  collectMs = 1;
  collections = 0;
  readonly running = collectGarbage(
    { clock: this.clock, heapSize: () => this.heapMb * 2 ** 20, collect: () => this.#collect() },
    this.ended.signal,
  );

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await turn();
  }

  #collect(): void {
    this.collections++;
    this.heapMb = this.liveMb;
    this.clock.advance(this.collectMs);
  }
}

test("waste is collected within five seconds, again and again", async () => {
  const world = new World();
  for (let round = 1; round <= 3; round++) {
    world.heapMb = LIVE_MB * 1.2;
    await world.pass(4_999);
    expect(world.collections).toBe(round - 1);
    await world.pass(1);
    expect(world.collections).toBe(round);
  }
});

test("where nothing happens nothing is collected", async () => {
  const world = new World();
  for (let round = 0; round < 100; round++) {
    world.heapMb = LIVE_MB + (round % 2) / 2;
    await world.pass(5_000);
  }
  expect(world.collections).toBe(0);
});

test("what is in use may grow: it is not collected over and over", async () => {
  const world = new World();
  world.heapMb = 50;
  await world.pass(5_000);
  world.heapMb = LIVE_MB * 1.05;
  for (let round = 0; round < 10; round++) await world.pass(5_000);
  expect(world.collections).toBe(1);
});

test("what takes long is done less often", async () => {
  const world = new World();
  world.collectMs = 100;
  world.heapMb = 50;
  await world.pass(5_000);
  world.heapMb = 50;
  await world.pass(24_999);
  expect(world.collections).toBe(1);
  await world.pass(1);
  expect(world.collections).toBe(2);
});

test("nothing is collected once the process is told to stop", async () => {
  const world = new World();
  world.ended.abort();
  await world.running;
  world.heapMb = 50;
  await world.pass(10_000);
  expect(world.collections).toBe(0);
});

test("after a peak that the engine has collected, waste is measured by what is in use then", async () => {
  const world = new World();
  [world.liveMb, world.heapMb] = [PEAK_MB, PEAK_MB * 1.2];
  await world.pass(5_000);
  expect(world.collections).toBe(1);
  [world.liveMb, world.heapMb] = [LIVE_MB, LIVE_MB];
  await world.pass(5_000);
  world.heapMb = LIVE_MB * 2;
  await world.pass(5_000);
  expect(world.collections).toBe(2);
});
