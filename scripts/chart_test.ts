import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { chartFiles } from "./chart.ts";

for (const [path, text] of Object.entries(chartFiles(manifest.version))) {
  test(`charts/jobset/${path} is what npm run generate writes`, () => {
    expect(readFileSync(join(import.meta.dir, "..", "charts", "jobset", path), "utf8") === text).toBe(true);
  });
}
