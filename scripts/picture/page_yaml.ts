/** The YAML of a page of the documentation: what a reader copies is what was run for the picture. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { asObject, type JsonObject } from "../../src/base/json.ts";

const DOCS = join(import.meta.dir, "..", "..", "docs");

/** The fenced blocks of YAML, in their order. */
export function yamlBlocks(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
}

/** The objects among them that a page has whole. */
export function objectsOf(markdown: string): readonly JsonObject[] {
  const documents = yamlBlocks(markdown).flatMap((text) => text.split(/^---$/m));
  return documents.map((text): unknown => parse(text)).map((value) => asObject(value) ?? {})
    .filter((object) => object["kind"] !== undefined);
}

export function jobSetsOf(markdown: string): readonly JsonObject[] {
  return objectsOf(markdown).filter((object) => object["kind"] === "JobSet");
}

export function readPage(name: string): string {
  return readFileSync(join(DOCS, name), "utf8");
}
