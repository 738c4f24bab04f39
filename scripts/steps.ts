/** Steps of a check: programs with their durations, and what they add to the grand total. */
import { dirname, join } from "node:path";

export const ROOT = dirname(import.meta.dir);
const PRELOAD = join(import.meta.dir, "exit_with_parent.ts");

export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Its output is shown as it comes; otherwise only where it fails. */
  readonly isShown?: boolean;
}

export interface Total {
  readonly passed: number;
  readonly failed: number;
}

export const NOTHING: Total = { passed: 0, failed: 0 };

export function sum(totals: readonly Total[]): Total {
  return totals.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), NOTHING);
}

/** The closing line that CI reads. */
export function totalLine(total: Total): string {
  return `${total.passed} passed, ${total.failed} failed`;
}

/** `bun test` over files and folders, which must start with `./`. */
export function testStep(
  name: string,
  paths: readonly string[],
  more: Partial<Step> & { readonly flags?: readonly string[] } = {},
): Step {
  const { flags = [], ...rest } = more;
  return { name, command: [process.execPath, "test", "--preload", PRELOAD, ...flags, ...paths], ...rest };
}

/** What runs a script of ours, which ends with whoever runs it. */
export function scriptCommand(file: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, "--preload", PRELOAD, file, ...args];
}

/** A program of node_modules/.bin. */
export function toolStep(name: string, tool: string, ...args: readonly string[]): Step {
  return { name, command: [join(ROOT, "node_modules", ".bin", tool), ...args] };
}

/** Runs a step and says how it went. */
export async function runStep(step: Step): Promise<Total> {
  const startedAt = performance.now();
  const child = Bun.spawn([...step.command], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, NO_COLOR: "1", ...step.env },
  });
  const parts: string[] = [];
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      parts.push(decoder.decode(chunk, { stream: true }));
      if (step.isShown === true) process.stdout.write(chunk);
    }
  };
  await Promise.all([collect(child.stdout), collect(child.stderr)]);
  const code = await child.exited;
  const output = parts.join("");
  const total = readTotal(output, code);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (code !== 0 && step.isShown !== true) console.log(output.trimEnd());
  console.log(
    `${code === 0 ? "ok    " : "FAILED"} ${step.name.padEnd(12)} ${seconds.padStart(6)} s  ${totalLine(total)}`,
  );
  return total;
}

/** What `bun test` counted; any other program counts as one. A failure that no test stands for counts as one too. */
export function readTotal(output: string, code: number): Total {
  const last = (pattern: RegExp) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? Number.NaN);
  const passed = last(/^\s*(\d+) pass$/gm);
  if (Number.isNaN(passed)) return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  const failed = last(/^\s*(\d+) fail$/gm) || 0;
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1) };
}
