import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { AnswerCache } from "./answer_cache.ts";

function start(maxEntries = 3) {
  const clock = new FakeClock();
  const cache = new AnswerCache<string>({ clock, maxEntries });
  const asked: string[] = [];
  const get = (key: string, ttlMs = 1000) =>
    cache.get(key, () => {
      asked.push(key);
      return Promise.resolve({ value: `${key}${asked.length}`, ttlMs });
    });
  return { clock, cache, asked, get };
}

test("an answer holds as long as it says, and not a millisecond longer", async () => {
  const { clock, get } = start();
  expect(await get("a", 1000)).toBe("a1");
  clock.advance(999);
  expect(await get("a", 500)).toBe("a1");
  clock.advance(1);
  expect(await get("a", 500)).toBe("a2");
  clock.advance(500);
  expect(await get("a")).toBe("a3");
});

test("the oldest of too many goes", async () => {
  const { asked, cache, get } = start(3);
  for (const key of ["a", "b", "c", "d"]) await get(key);
  expect(cache.size).toBe(3);
  for (const key of ["b", "c", "d"]) await get(key);
  expect(asked).toEqual(["a", "b", "c", "d"]);
  await get("a");
  expect(asked).toEqual(["a", "b", "c", "d", "a"]);
});

test("an answer that was renewed is not the oldest any more", async () => {
  const { clock, asked, get } = start(2);
  await get("a");
  await get("b", 5000);
  clock.advance(1000);
  await get("a");
  await get("c");
  await get("a");
  expect(asked).toEqual(["a", "b", "a", "c"]);
});

test("all that want an answer meanwhile share one request", async () => {
  const { clock, cache } = start();
  const { promise, resolve } = Promise.withResolvers<string>();
  let asked = 0;
  const get = () =>
    cache.get("a", async () => {
      asked++;
      return { value: await promise, ttlMs: 1000 };
    });
  const answers = [get(), get()];
  clock.advance(5000);
  resolve("yes");
  expect(await Promise.all(answers)).toEqual(["yes", "yes"]);
  clock.advance(999);
  expect(await get()).toBe("yes");
  expect(asked).toBe(1);
});

test("a failure is asked again", async () => {
  const { cache, get } = start();
  await expect(cache.get("a", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
  expect(cache.size).toBe(0);
  expect(await get("a")).toBe("a1");
});
