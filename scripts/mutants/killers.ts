/** What may kill a mutant: tests that are run one stage after the other, the quickest first, and at last the simulation. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** `killed`: by this test, or this invariant of the simulation. `late`: there was no verdict in time. */
export type Verdict =
  | { readonly kind: "survived" }
  | { readonly kind: "killed"; readonly by: string }
  | { readonly kind: "late" };

interface Stage {
  readonly command: readonly string[];
  /** What kills, as soon as the output tells it: what follows need not be waited for. */
  readonly readKiller: (output: string) => string | undefined;
}

const SIMULATION = "tests/simulation/main.ts";
const SIMULATED = ["--seed", "1", "--steps", "300000"];

/** Runs the stages of a mutant in its tree until one is red. */
export async function findKiller(
  { root, area, isSimulated, timeoutMs }: {
    readonly root: string;
    readonly area: string;
    /** By the simulation alone. */
    readonly isSimulated: boolean;
    readonly timeoutMs: number;
  },
): Promise<Verdict> {
  const deadline = performance.now() + timeoutMs;
  for (const stage of isSimulated ? [simulation()] : stagesOf(root, area)) {
    const verdict = await runStage(root, stage, deadline - performance.now());
    if (verdict.kind !== "survived") return verdict;
  }
  return { kind: "survived" };
}

function stagesOf(root: string, area: string): readonly Stage[] {
  const near = area === "plan" ? ["./src/plan", "./tests/plan"] : [`./src/${area}`];
  return [
    tests(...near),
    tests("./src", "./tests/plan"),
    tests("./tests/properties"),
    ...(existsSync(join(root, SIMULATION)) ? [simulation()] : []),
  ];
}

function simulation(): Stage {
  return { command: [process.execPath, SIMULATION, ...SIMULATED], readKiller: readViolation };
}

function tests(...paths: readonly string[]): Stage {
  return { command: [process.execPath, "test", "--only-failures", "--bail=1", ...paths], readKiller: readFailedTest };
}

async function runStage(root: string, { command, readKiller }: Stage, timeoutMs: number): Promise<Verdict> {
  if (timeoutMs <= 0) return { kind: "late" };
  // In a process group of its own, for a simulation has children.
  const child = Bun.spawn([...command], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  let isLate = false;
  const end = () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
  };
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, timeoutMs);
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output += decoder.decode(chunk, { stream: true });
      if (readKiller(output) !== undefined) end();
    }
  };
  await Promise.all([listen(child.stdout), listen(child.stderr)]);
  const code = await child.exited;
  clearTimeout(timer);
  const killer = readKiller(output);
  if (killer !== undefined) return { kind: "killed", by: killer };
  if (isLate) return { kind: "late" };
  return code === 0 ? { kind: "survived" } : { kind: "killed", by: readError(output) };
}

/** The first failed test of `bun test`, with its file: `src/x_test.ts: title`. */
export function readFailedTest(output: string): string | undefined {
  let file = "";
  for (const line of output.split("\n")) {
    file = /^(\S+_test\.ts):$/.exec(line)?.[1] ?? file;
    const title = /^\(fail\) (.+?)(?: \[[\d.]+m?s\])$/.exec(line)?.[1];
    if (title !== undefined) return `${file}: ${title}`;
  }
  return undefined;
}

/** The invariant that the simulation found violated, and the seed. What it does then, such as shrinking, takes its time. */
export function readViolation(output: string): string | undefined {
  const [, invariant, seed] = /^violated: ([^:\n]+):[\s\S]*?\n\s+seed (\d+), step/m.exec(output) ?? [];
  return invariant === undefined ? undefined : `simulation: ${invariant}, seed ${seed ?? ""}`;
}

/** What ended a run of which no test and no invariant tells. */
export function readError(output: string): string {
  return (/^.*\berror: .*$/m.exec(output)?.[0] ?? output.trim().split("\n").at(-1) ?? "").slice(0, 200);
}
