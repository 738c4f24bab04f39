import { expect, test } from "bun:test";
import { dirname, join } from "node:path";

/** What a file loads with itself, through other files, without what is imported only when needed. */
async function loadedWith(file: string, seen = new Set<string>()): Promise<ReadonlySet<string>> {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!file.endsWith(".ts")) return seen;
  const imports = new Bun.Transpiler({ loader: "ts" }).scanImports(await Bun.file(file).text());
  for (const { path, kind } of imports) {
    if (kind === "import-statement") await loadedWith(path.startsWith(".") ? join(dirname(file), path) : path, seen);
  }
  return seen;
}

test("the libraries that read a configuration file are loaded only with one", async () => {
  const loaded = [...await loadedWith(join(import.meta.dir, "controller.ts"))];
  expect(loaded).toContain("commander");
  expect(loaded).toContain(join(dirname(import.meta.dir), "config", "load_settings.ts"));
  expect(loaded.filter((path) => ["yaml", "valibot"].includes(path))).toEqual([]);
});
