import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { trimMemory } from "./trim_memory.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

class World {
  readonly clock = new FakeClock();
  readonly ended = new AbortController();
  isBusy = false;
  trims = 0;
  readonly running = trimMemory(
    { clock: this.clock, isBusy: () => this.isBusy, trim: () => void this.trims++ },
    this.ended.signal,
  );

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await turn();
  }
}

test("memory is trimmed once, ten seconds after the start", async () => {
  const world = new World();
  await world.pass(9_999);
  expect(world.trims).toBe(0);
  await world.pass(1);
  expect(world.trims).toBe(1);
  await world.pass(1_000_000);
  expect(world.trims).toBe(1);
  await world.running;
});

test("never while there is work", async () => {
  const world = new World();
  world.isBusy = true;
  await world.pass(10_000);
  for (let round = 0; round < 5; round++) await world.pass(5_000);
  expect(world.trims).toBe(0);
  world.isBusy = false;
  await world.pass(5_000);
  expect(world.trims).toBe(1);
});

test("nor once the process is told to stop", async () => {
  const world = new World();
  await world.pass(5_000);
  world.ended.abort();
  await world.running;
  await world.pass(5_000);
  expect(world.trims).toBe(0);
});
