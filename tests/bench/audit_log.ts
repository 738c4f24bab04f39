import { asInteger, asString, at } from "../../src/base/json.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** One request as the API server saw it. Times in milliseconds since 1970, to the microsecond. */
export interface AuditEntry {
  readonly user: string;
  readonly verb: string;
  /** `jobs`, `jobsets/status` */
  readonly resource: string;
  readonly namespace: string;
  readonly code: number;
  readonly receivedAt: number;
  readonly answeredAt: number;
}

/** The stage that ends a request; watches have one more at their start. */
const LAST_STAGE = "ResponseComplete";
const POLL_MS = 20;

/** The audit log of a control plane, read on as it grows: every entry is parsed once. */
export class AuditLog {
  readonly #file: string;
  readonly #entries: AuditEntry[] = [];
  #offset = 0;
  #rest = "";

  constructor(file: string) {
    this.#file = file;
  }

  /** How many entries there are now: a mark to look back to. */
  mark(): number {
    this.#readOn();
    return this.#entries.length;
  }

  /** The entries since the mark that fit, oldest answer first. */
  since(mark: number, fits: (entry: AuditEntry) => boolean): readonly AuditEntry[] {
    this.#readOn();
    return this.#entries.slice(mark).filter(fits);
  }

  /** Waits until `count` entries since the mark fit. */
  async waitForCount(
    what: string,
    { mark, count, fits, timeoutMs }: {
      readonly mark: number;
      readonly count: number;
      readonly fits: (entry: AuditEntry) => boolean;
      readonly timeoutMs: number;
    },
  ): Promise<readonly AuditEntry[]> {
    let found = this.since(mark, fits);
    await waitFor(what, {
      timeoutMs,
      everyMs: POLL_MS,
      check: () => (found = this.since(mark, fits)).length >= count,
      describe: () => `${found.length} of ${count}`,
    });
    return found;
  }

  /** Waits until no entry that fits has come for `quietMs`. */
  async waitForQuiet(fits: (entry: AuditEntry) => boolean, quietMs: number): Promise<void> {
    let mark = this.mark();
    let quietSince = performance.now();
    await waitFor("requests to end", {
      timeoutMs: 60_000,
      check: () => {
        const isBusy = this.since(mark, fits).length > 0;
        mark = this.mark();
        if (isBusy) quietSince = performance.now();
        return performance.now() - quietSince >= quietMs;
      },
    });
  }

  #readOn(): void {
    if (!existsSync(this.#file)) return;
    const file = openSync(this.#file, "r");
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - this.#offset);
      this.#offset += readSync(file, bytes, 0, bytes.length, this.#offset);
      const lines = (this.#rest + bytes.toString("latin1")).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) {
        const entry = readEntry(JSON.parse(line));
        if (entry !== undefined) this.#entries.push(entry);
      }
    } finally {
      closeSync(file);
    }
  }
}

function readEntry(event: unknown): AuditEntry | undefined {
  if (asString(at(event, "stage")) !== LAST_STAGE) return undefined;
  const subresource = asString(at(event, "objectRef", "subresource"));
  return {
    user: asString(at(event, "user", "username")) ?? "",
    verb: asString(at(event, "verb")) ?? "",
    resource: `${asString(at(event, "objectRef", "resource")) ?? ""}${
      subresource === undefined ? "" : `/${subresource}`
    }`,
    namespace: asString(at(event, "objectRef", "namespace")) ?? "",
    code: asInteger(at(event, "responseStatus", "code")) ?? 0,
    receivedAt: microTimeMs(asString(at(event, "requestReceivedTimestamp"))),
    answeredAt: microTimeMs(asString(at(event, "stageTimestamp"))),
  };
}

/** `2026-01-02T03:04:05.678901Z`: Date.parse drops what is below a millisecond. */
function microTimeMs(text: string | undefined): number {
  const [, seconds = "", fraction = "0"] = /^(.*?)(\.\d+)?Z$/.exec(text ?? "") ?? [];
  return Date.parse(`${seconds}Z`) + Number(fraction) * 1000;
}

/** Counts by verb, resource and code: `create jobs 201` → 1000. */
export function countRequests(entries: readonly AuditEntry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { verb, resource, code } of entries) {
    const key = `${verb} ${resource} ${code}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return new Map([...counts].sort(([left], [right]) => left < right ? -1 : 1));
}
