/** A copy of the tree as it is now, in which mutants can be put in without anybody noticing. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface ScratchTree {
  readonly root: string;
  remove(): void;
}

/** What git tracks or would track; `node_modules` is a link. */
export function copyTree(root: string): ScratchTree {
  const copy = mkdtempSync(join(tmpdir(), "jobset-lite-mutants-"));
  const listed = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  if (!listed.success) throw new Error(`copy the tree: ${listed.stderr.toString().trim()}`);
  const files = listed.stdout.toString().split("\0").filter((file) => file !== "" && file !== "node_modules");
  for (const folder of new Set(files.map(dirname))) mkdirSync(join(copy, folder), { recursive: true });
  // One that was deleted is listed until that is committed.
  for (const file of files.filter((file) => existsSync(join(root, file)))) {
    copyFileSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return { root: copy, remove: () => rmSync(copy, { recursive: true, force: true }) };
}
