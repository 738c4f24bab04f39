/** The software in an image: for its list of components (SBOM) and the licence texts that it has to carry. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { ROOT } from "../steps.ts";

export interface Component {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, where the package names one. */
  readonly licence: string | undefined;
  /** Package URL: where it comes from, in words that scanners know. */
  readonly purl: string;
  /** Its licence texts. */
  readonly texts: readonly string[];
}

const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;

/** The npm packages that the executable is compiled from, types left out, in the order of their names. */
export function npmComponents(): readonly Component[] {
  const found = new Map<string, Component>();
  const visit = (folder: string) => {
    const manifest = readManifest(folder);
    for (const name of Object.keys(asObject(manifest["dependencies"]) ?? {})) {
      if (name.startsWith("@types/")) continue;
      const dependency = resolve(name, folder);
      if (dependency === undefined || found.has(dependency)) continue;
      found.set(dependency, componentOf(dependency));
      visit(dependency);
    }
  };
  visit(ROOT);
  return [...found.values()].sort((a, b) => a.purl < b.purl ? -1 : 1);
}

/** The runtime that is compiled in. Its package carries no licence text: the list of components names where it stands. */
export function bunComponent(): Component {
  const { version, licence, purl } = componentOf(join(ROOT, "node_modules", "bun"));
  return { name: "bun", version, licence: licence ?? "MIT", purl, texts: [] };
}

function componentOf(folder: string): Component {
  const manifest = readManifest(folder);
  const name = asString(manifest["name"]) ?? "";
  const version = asString(manifest["version"]) ?? "";
  return {
    name,
    version,
    licence: asString(manifest["license"]) ?? asString(at(manifest["license"], "type")),
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    texts: readdirSync(folder).filter((file) => LICENCE_FILE.test(file)).sort()
      .map((file) => readFileSync(join(folder, file), "utf8")),
  };
}

/** Where Node would find a package that a folder's code imports; undefined for one left out on this platform. */
function resolve(name: string, from: string): string | undefined {
  for (let folder = from;; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (folder === ROOT || folder === dirname(folder)) return undefined;
  }
}

function readManifest(folder: string): JsonObject {
  return asObject(JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))) ?? {};
}
