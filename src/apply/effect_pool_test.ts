import { expect, test } from "bun:test";
import { type Effect, EffectPool } from "./effect_pool.ts";

/** Effects that end when told to, and say in which order they began. */
function scripted(names: readonly string[], started: string[]): { effects: Effect[]; end: (name: string) => void } {
  const ends = new Map<string, () => void>();
  const effects = names.map((name) => () => {
    started.push(name);
    return new Promise<void>((resolve) => ends.set(name, resolve));
  });
  return { effects, end: (name) => ends.get(name)?.() };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("never more than the limit run at once, and all run in their order", async () => {
  const pool = new EffectPool(50);
  let running = 0;
  let most = 0;
  const started: number[] = [];
  const effects = Array.from({ length: 200 }, (_, index) => async () => {
    started.push(index);
    most = Math.max(most, ++running);
    await turn();
    running--;
  });
  pool.replace(effects);
  expect(pool.running).toBe(50);
  expect(pool.waiting).toBe(150);
  while (pool.running > 0) await turn();
  expect(most).toBe(50);
  expect(started).toEqual(Array.from({ length: 200 }, (_, index) => index));
});

test("a new plan replaces what was not started, and leaves alone what was", async () => {
  const pool = new EffectPool(2);
  const started: string[] = [];
  const old = scripted(["a", "b", "c", "d"], started);
  pool.replace(old.effects);
  pool.replace(scripted(["x", "y"], started).effects);
  expect(started).toEqual(["a", "b"]);
  old.end("a");
  await turn();
  old.end("b");
  await turn();
  expect(started).toEqual(["a", "b", "x", "y"]);
});

test("stop starts nothing more and waits for what runs", async () => {
  const pool = new EffectPool(1);
  const started: string[] = [];
  const { effects, end } = scripted(["a", "b"], started);
  pool.replace(effects);
  let isStopped = false;
  const stopped = pool.stop().then(() => isStopped = true);
  pool.replace(scripted(["c"], started).effects);
  await turn();
  expect(isStopped).toBe(false);
  end("a");
  await stopped;
  expect(started).toEqual(["a"]);
});
