/** `npm run build`: compiles src/main.ts to the one executable dist/jobset, unless it is there already from the same inputs. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = dirname(import.meta.dir);
const BINARY = join(ROOT, "dist", "jobset");
const STAMP = join(ROOT, "dist", "jobset.inputs");
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

/** The path of the executable, compiled now if its inputs have changed. */
export async function buildBinary(report: (line: string) => void = () => {}): Promise<string> {
  const commit = commitOf();
  const stamp = `${hashInputs()} ${commit}\n`;
  if (existsSync(BINARY) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === stamp) return BINARY;
  report("compiling dist/jobset");
  const startedAt = performance.now();
  // The compiler leaves its source maps beside the executable, which has them inside as well: they go with the folder.
  const folder = join(dirname(BINARY), `build.${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const partial = join(folder, "jobset");
  const define = commit === "" ? [] : [`--define=JOBSET_COMMIT=${JSON.stringify(commit)}`];
  const command = [process.execPath, "build", ...FLAGS, ...define, "--outfile", partial, "src/main.ts"];
  const child = Bun.spawn(command, { cwd: ROOT, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code === 0) renameSync(partial, BINARY);
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0) throw new Error(`compile dist/jobset: ${`${err}${out}`.trim()}`);
  writeFileSync(STAMP, stamp);
  report(`compiled dist/jobset in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return BINARY;
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
