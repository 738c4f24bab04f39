import { expect, test } from "bun:test";
import fc from "fast-check";
import { NameTable } from "./name_table.ts";

interface Item {
  readonly name: string;
  readonly value: number;
}

/** Few names, so that they come again; more than a short list holds. */
const NAMES = fc.integer({ min: 0, max: 60 }).map((index) => `job-workers-${index}`);
const STEPS = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("set" as const), name: NAMES }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), name: NAMES }) },
  ),
  { maxLength: 400 },
);

test("it says what a Map says, in the same order, whatever is set and deleted", () => {
  fc.assert(fc.property(STEPS, (steps) => {
    const table = new NameTable<Item>();
    const map = new Map<string, Item>();
    for (const [value, { kind, name }] of steps.entries()) {
      if (kind === "set") {
        table.set({ name, value });
        map.set(name, { name, value });
      } else {
        table.delete(name);
        map.delete(name);
      }
      expect(table.size).toBe(map.size);
      expect(table.get(name)).toEqual(map.get(name));
    }
    expect([...table.keys()]).toEqual([...map.keys()]);
    expect([...table.values()]).toEqual([...map.values()]);
    for (let index = 0; index <= 61; index++) {
      const name = `job-workers-${index}`;
      expect(table.get(name)).toEqual(map.get(name));
    }
  }));
});

test("thousands are all found again, and all gone once deleted", () => {
  const table = new NameTable<Item>();
  const names = Array.from({ length: 20_000 }, (_, index) => `scale-${index % 7}-workers-${index}`);
  for (const [value, name] of names.entries()) table.set({ name, value });
  expect(names.every((name, value) => table.get(name)?.value === value)).toBe(true);
  for (const name of names) table.delete(name);
  expect(table.size).toBe(0);
  expect(names.some((name) => table.get(name) !== undefined)).toBe(false);
});

test("what is taken out during a walk does not disturb it", () => {
  const table = new NameTable<Item>();
  for (let value = 0; value < 100; value++) table.set({ name: `j${value}`, value });
  const seen: number[] = [];
  for (const { name, value } of table.values()) {
    seen.push(value);
    table.delete(name);
  }
  expect(seen).toEqual(Array.from({ length: 100 }, (_, value) => value));
  expect(table.size).toBe(0);
});

test("one that comes and goes for ever leaves nothing behind", () => {
  const table = new NameTable<Item>();
  for (let value = 0; value < 30; value++) table.set({ name: `stays-${value}`, value });
  for (let value = 0; value < 10_000; value++) {
    table.set({ name: `passes-${value}`, value });
    table.delete(`passes-${value}`);
  }
  expect([...table.keys()]).toEqual(Array.from({ length: 30 }, (_, index) => `stays-${index}`));
});

test("a walk shows nothing that was taken out before it came there, even where the table was packed meanwhile", () => {
  const table = new NameTable<Item>();
  for (let value = 0; value < 20; value++) table.set({ name: `j${value}`, value });
  const seen: number[] = [];
  for (const { value } of table.values()) {
    seen.push(value);
    if (value > 0) continue;
    for (let added = 20; added < 100; added++) table.set({ name: `j${added}`, value: added });
    table.delete("j1");
    table.set({ name: "j2", value: 200 });
  }
  expect(seen.slice(0, 3)).toEqual([0, 200, 3]);
});
