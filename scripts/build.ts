/** `npm run build`: compiles src/main.ts to the one executable dist/jobset, unless it is there already from the same inputs. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const ROOT = dirname(import.meta.dir);

/** What the executable is compiled for, in Bun's words: this machine, or one that it is copied to. */
export type Target =
  | "linux-x64"
  | "linux-x64-baseline"
  | "linux-arm64"
  | "linux-x64-musl"
  | "linux-arm64-musl"
  | "darwin-x64"
  | "darwin-arm64";

/** Folders and files whose content decides what the executable is. */
const INPUTS = ["src", "crds", "manifests", "package.json", "bun.lock", "scripts/build.ts"];
const FLAGS = [
  "--compile",
  "--minify",
  "--sourcemap",
  "--bytecode",
  "--format=esm",
  // What is imported only when needed stays out of memory until then: 6 MB less at rest.
  "--splitting",
  // Both are on by default and would read files of the folder that the executable is started in.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

/** The path of the executable for this machine, dist/jobset, compiled now if its inputs have changed. */
export function buildBinary(report: (line: string) => void = () => {}): Promise<string> {
  return compile(join(ROOT, "dist", "jobset"), undefined, report);
}

/** The path of the executable for another machine, dist/jobset-TARGET, compiled now if its inputs have changed. */
export function buildFor(target: Target, report: (line: string) => void = () => {}): Promise<string> {
  return compile(join(ROOT, "dist", `jobset-${target}`), target, report);
}

async function compile(
  binary: string,
  target: Target | undefined,
  report: (line: string) => void,
): Promise<string> {
  const name = `dist/${basename(binary)}`;
  const stampFile = `${binary}.inputs`;
  const commit = commitOf();
  const stamp = `${hashInputs()} ${commit}\n`;
  if (existsSync(binary) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return binary;
  report(`compiling ${name}`);
  const startedAt = performance.now();
  // The compiler leaves its source maps beside the executable, which has them inside as well: they go with the folder.
  const folder = join(dirname(binary), `build.${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const partial = join(folder, "jobset");
  const define = commit === "" ? [] : [`--define=JOBSET_COMMIT=${JSON.stringify(commit)}`];
  const cross = target === undefined ? [] : [`--target=bun-${target}`];
  const command = [process.execPath, "build", ...FLAGS, ...define, ...cross, "--outfile", partial, "src/main.ts"];
  const child = Bun.spawn(command, { cwd: ROOT, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code === 0) renameSync(partial, binary);
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0) throw new Error(`compile ${name}: ${`${err}${out}`.trim()}`);
  writeFileSync(stampFile, stamp);
  report(`compiled ${name} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return binary;
}

function hashInputs(): string {
  const hash = createHash("sha256");
  hash.update(Bun.version);
  for (const file of INPUTS.flatMap(filesBelow)) hash.update(`${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest("hex");
}

/** The files at or below a path, tests left out, in a fixed order. */
function filesBelow(path: string): readonly string[] {
  const full = join(ROOT, path);
  if (!existsSync(full)) return [];
  if (path.includes(".")) return [path];
  const found = readdirSync(full, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile() && !entry.name.endsWith("_test.ts"))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1)).sort();
}

/**
 * The last commit that changed an input, so that equal inputs give equal bytes; marked where the checkout differs from it, and
 * empty outside of git.
 */
function commitOf(): string {
  const git = (...args: readonly string[]) => Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" });
  const last = git("log", "-1", "--format=%H", "--", ...INPUTS);
  if (last.exitCode !== 0) return "";
  const changes = git("status", "--porcelain", "--", ...INPUTS).stdout.toString().trim();
  return `${last.stdout.toString().trim()}${changes === "" ? "" : "-dirty"}`;
}

if (import.meta.main) {
  try {
    console.log(await buildBinary((line) => console.error(line)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}
