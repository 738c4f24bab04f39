/** The defects of tests/mutants/: one patch against src/ each, with a line above it that says what is wrong. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Mutant {
  /** `001-plan-one-restart-too-many` */
  readonly name: string;
  /** The patch's absolute path. */
  readonly file: string;
  /** What a user would suffer. */
  readonly defect: string;
  /** The folder of src/ that it touches. */
  readonly area: string;
}

/** In the order of their numbers; of those that are named, each whose name has one of the filters in it. */
export function listMutants(root: string, filters: readonly string[] = []): readonly Mutant[] {
  const folder = join(root, "tests", "mutants");
  return readdirSync(folder).filter((name) => name.endsWith(".patch")).sort()
    .map((name) => readMutant(name.slice(0, -".patch".length), join(folder, name)))
    .filter(({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)));
}

function readMutant(name: string, file: string): Mutant {
  const text = readFileSync(file, "utf8");
  const defect = /^# (.+)\n--- a\//.exec(text)?.[1];
  const areas = new Set(Array.from(text.matchAll(/^\+\+\+ b\/src\/(\w+)\/\S+$/gm), (match) => match[1]));
  const [area] = areas;
  if (defect === undefined) {
    throw new Error(`read mutant "${name}": it does not begin with "# " and what the defect is`);
  }
  if (area === undefined || areas.size > 1) throw new Error(`read mutant "${name}": it must touch one folder of src/`);
  return { name, file, defect, area };
}

/** Applies a patch to a tree, takes it back, or only tries. Git's own words where that can't be done. */
export async function applyMutant(
  { file }: Mutant,
  { root, mode }: { readonly root: string; readonly mode: "check" | "apply" | "undo" },
): Promise<string | undefined> {
  const flags = { check: ["--check"], apply: [], undo: ["--reverse"] }[mode];
  const child = Bun.spawn(["git", "apply", ...flags, file], {
    cwd: root,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    // A scratch copy is no repository, even if a folder above it is one.
    ...(mode === "check" ? {} : { env: { ...process.env, GIT_CEILING_DIRECTORIES: join(root, "..") } }),
  });
  const words = await new Response(child.stderr).text();
  return await child.exited === 0 ? undefined : words.trim();
}
