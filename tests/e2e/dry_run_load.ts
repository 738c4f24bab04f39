import { join } from "node:path";
import { asArray, asString, at } from "../../src/base/json.ts";
import type { ApiAccess } from "../../scripts/control_plane/api.ts";

/** What the client process is told. */
export interface DryRunOptions {
  readonly access: ApiAccess;
  readonly namespace: string;
  readonly perSecond: number;
}

export interface DryRunReport {
  readonly sent: number;
  readonly seconds: number;
  readonly slowestMs: number;
  /** Every request that had another answer than it should have; the first ones in words. */
  readonly failures: readonly string[];
}

/** Creates JobSets through the API server in a process of its own (dry_run_client.ts), none of which is kept. */
export class DryRunLoad {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;

  constructor(options: DryRunOptions) {
    this.#child = Bun.spawn([process.execPath, join(import.meta.dir, "dry_run_client.ts"), JSON.stringify(options)], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
  }

  /** Ends it; what came of it. */
  async stop(): Promise<DryRunReport> {
    await this.#child.stdin.end();
    const [text] = await Promise.all([new Response(this.#child.stdout).text(), this.#child.exited]);
    const report: unknown = JSON.parse(text);
    const figure = (name: string) => Number(at(report, name));
    return {
      sent: figure("sent"),
      seconds: figure("seconds"),
      slowestMs: figure("slowestMs"),
      failures: asArray(at(report, "failures")).map((it) => asString(it) ?? ""),
    };
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** For people: `24000 creates in 120.0 s, 200/s, the slowest 120 ms`. */
export function describeLoad({ sent, seconds, slowestMs }: DryRunReport): string {
  const rate = (sent / seconds).toFixed(0);
  return `${sent} creates in ${seconds.toFixed(1)} s, ${rate}/s, the slowest ${Math.round(slowestMs)} ms`;
}
