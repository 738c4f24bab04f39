import { dirname } from "node:path";
import { type Document, LineCounter, parseDocument } from "yaml";
import { asObject, asString, type JsonObject } from "../base/json.ts";
import { messageOf } from "../base/message_of.ts";
import { ClusterAccessError } from "./cluster_access_error.ts";
import { readText } from "./read_text.ts";

/** One named cluster, user or context, with the file that it stands in. */
export interface KubeconfigEntry {
  readonly name: string;
  readonly body: JsonObject;
  /** The file's path as given, for messages. */
  readonly file: string;
  /** What its relative paths resolve against. */
  readonly folder: string;
}

/** One kubeconfig, or several merged. */
export interface Kubeconfig {
  /** The path or paths as given, for messages. */
  readonly source: string;
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, KubeconfigEntry>;
  readonly users: ReadonlyMap<string, KubeconfigEntry>;
  readonly contexts: ReadonlyMap<string, KubeconfigEntry>;
}

/** Reads one kubeconfig. */
export async function readKubeconfig(path: string): Promise<Kubeconfig> {
  return parseKubeconfig(await readText(path, "kubeconfig"), path);
}

/**
 * Reads the files of a KUBECONFIG list and merges them as kubectl does: files that do not exist are passed over; the
 * first file to name a cluster, user, context or current context wins, whole. Undefined if no file exists.
 */
export async function readKubeconfigFiles(paths: readonly string[]): Promise<Kubeconfig | undefined> {
  const merged: Kubeconfig[] = [];
  for (const path of paths) {
    const text = await readText(path, "kubeconfig", "missing is fine");
    if (text !== undefined) merged.push(parseKubeconfig(text, path));
  }
  if (merged.length === 0) return undefined;
  return {
    source: merged.map((one) => one.source).join(":"),
    currentContext: merged.find((one) => one.currentContext !== undefined)?.currentContext,
    clusters: firstWins(merged.map((one) => one.clusters)),
    users: firstWins(merged.map((one) => one.users)),
    contexts: firstWins(merged.map((one) => one.contexts)),
  };
}

/** Parses a kubeconfig (YAML or JSON). `path` names it in messages and gives the folder for relative paths. */
export function parseKubeconfig(text: string, path: string): Kubeconfig {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, strict: true, logLevel: "error" });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line } = lineCounter.linePos(problem.pos[0]);
    throw new ClusterAccessError(`read kubeconfig "${path}": line ${line} is not valid YAML: ${problem.message}`);
  }
  const body = asObject(contentOf(document, path) ?? {});
  if (body === undefined) {
    throw new ClusterAccessError(`read kubeconfig "${path}": it holds no mapping; is it a kubeconfig?`);
  }
  const currentContext = asString(body["current-context"]);
  return {
    source: path,
    currentContext: currentContext === "" ? undefined : currentContext,
    clusters: readEntries(body, { list: "clusters", field: "cluster", path }),
    users: readEntries(body, { list: "users", field: "user", path }),
    contexts: readEntries(body, { list: "contexts", field: "context", path }),
  };
}

function contentOf(document: Document, path: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    // Aliases that would grow without end.
    throw new ClusterAccessError(`read kubeconfig "${path}": ${messageOf(cause)}`);
  }
}

function readEntries(
  body: JsonObject,
  at: { list: string; field: string; path: string },
): Map<string, KubeconfigEntry> {
  const { list, field, path } = at;
  const entries = new Map<string, KubeconfigEntry>();
  const items = body[list] ?? [];
  if (!Array.isArray(items)) throw new ClusterAccessError(`read kubeconfig "${path}": "${list}" must be a list`);
  for (const item of items) {
    const name = asString(asObject(item)?.["name"]);
    if (name === undefined) {
      throw new ClusterAccessError(`read kubeconfig "${path}": an entry of "${list}" has no name`);
    }
    if (entries.has(name)) throw new ClusterAccessError(`read kubeconfig "${path}": "${list}" has "${name}" twice`);
    entries.set(name, { name, body: asObject(asObject(item)?.[field]) ?? {}, file: path, folder: dirname(path) });
  }
  return entries;
}

function firstWins(maps: readonly ReadonlyMap<string, KubeconfigEntry>[]): Map<string, KubeconfigEntry> {
  const all = new Map<string, KubeconfigEntry>();
  for (const [name, entry] of maps.flatMap((map) => [...map])) {
    if (!all.has(name)) all.set(name, entry);
  }
  return all;
}
