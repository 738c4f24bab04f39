/** Lists in pages: all pages of one list are of the same snapshot. */
import { asInteger, asString, at } from "../../../src/base/json.ts";
import type { ObjectStore } from "./object_store.ts";
import type { ResourceInfo } from "./resource_info.ts";
import { type Matches, type Selection, selectionMatcher } from "./selectors.ts";
import { badRequest, expiredContinue, ServerRefusal, tooLargeVersion } from "./server_refusal.ts";
import type { StoredVersion } from "./stored_version.ts";

export interface ListRequest extends Selection {
  readonly limit: string | undefined;
  readonly token: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly versionMatch: string | undefined;
}

export interface ListPage {
  readonly items: readonly StoredVersion[];
  readonly version: number;
  readonly token: string | undefined;
  /** How many follow. */
  readonly left: number;
}

/** What a list looked like when its first page was asked for. */
interface Snapshot {
  readonly version: number;
  readonly entries: readonly (readonly [string, StoredVersion])[];
}

/** Snapshots that are kept; the oldest goes first, and whoever still reads it must list anew. */
const MAX_SNAPSHOTS = 32;

export class ListPages {
  readonly #store: ObjectStore;
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Forgets what is older than now. */
  compact(): void {
    this.#snapshots.clear();
  }

  page(info: ResourceInfo, request: ListRequest): ListPage {
    const matches = selectionMatcher(info, request);
    const limit = Math.max(Number(request.limit ?? 0), 0);
    if (request.token) return this.#next(info, { request, matches, limit, token: request.token });
    this.#checkVersion(request);
    const version = this.#store.version;
    const entries = limit === 0 ? this.#store.sorted(info.resource) : this.#snapshot(info).entries;
    return pageOf(entries, { matches, limit, version });
  }

  #next(
    info: ResourceInfo,
    { request, matches, limit, token }: {
      readonly request: ListRequest;
      readonly matches: Matches | undefined;
      readonly limit: number;
      readonly token: string;
    },
  ): ListPage {
    if (request.resourceVersion) throw badRequest("specifying resource version is not allowed when using continue");
    const { version, start } = readToken(token);
    const snapshot = this.#snapshots.get(`${info.resource} ${version}`);
    if (snapshot === undefined) throw expiredContinue();
    return pageOf(snapshot.entries.filter(([key]) => key > start), { matches, limit, version });
  }

  #snapshot(info: ResourceInfo): Snapshot {
    const { version } = this.#store;
    const key = `${info.resource} ${version}`;
    const snapshot = this.#snapshots.get(key) ?? { version, entries: this.#store.sorted(info.resource) };
    this.#snapshots.set(key, snapshot);
    const [oldest] = this.#snapshots.keys();
    if (this.#snapshots.size > MAX_SNAPSHOTS && oldest !== undefined) this.#snapshots.delete(oldest);
    return snapshot;
  }

  #checkVersion({ resourceVersion = "", versionMatch }: ListRequest): void {
    const asked = versionOf(resourceVersion);
    const current = this.#store.version;
    if (asked > current) throw tooLargeVersion(asked, current);
    if (versionMatch === "Exact" && asked !== current) {
      throw new ServerRefusal(410, "Expired", "The resourceVersion for the provided list is too old.");
    }
  }
}

function pageOf(
  entries: readonly (readonly [string, StoredVersion])[],
  { matches, limit, version }: {
    readonly matches: Matches | undefined;
    readonly limit: number;
    readonly version: number;
  },
): ListPage {
  const chosen = matches === undefined ? entries : entries.filter(([, each]) => matches(each.object));
  const page = limit === 0 ? chosen : chosen.slice(0, limit);
  const left = chosen.length - page.length;
  const token = left === 0 ? undefined : writeToken(version, page.at(-1)?.[0] ?? "");
  return { items: page.map(([, each]) => each), version, token, left };
}

/** 0 where none is asked for. Throws a refusal for what is no version. */
export function versionOf(text: string): number {
  if (text === "") return 0;
  if (/^\d+$/.test(text)) return Number(text);
  const message = `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`;
  throw new ServerRefusal(500, "", message);
}

function writeToken(version: number, start: string): string {
  return btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv: version, start })).replace(/=+$/, "");
}

function readToken(token: string): { readonly version: number; readonly start: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(atob(token));
  } catch {
    throw badRequest("invalid continue token: continue key is not valid");
  }
  return { version: asInteger(at(parsed, "rv")) ?? 0, start: asString(at(parsed, "start")) ?? "" };
}
