import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Report } from "./binaries.ts";

const LOCK_POLL_MS = 500;
const LOCK_TIMEOUT_MS = 60 * 60 * 1000;

/**
 * Fills a folder of the cache whole or not at all: `fill` works in a folder beside it, which is renamed at the end. Of several
 * processes one fills and the others wait for it.
 */
export async function fillFolder(
  folder: string,
  report: Report,
  fill: (workFolder: string, target: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const unlock = await lock(`${folder}.lock`, report);
  try {
    if (existsSync(folder)) return; // another process filled it while we waited
    await removeLeftovers(folder);
    const workFolder = await mkdtemp(`${folder}.partial-`);
    try {
      const target = join(workFolder, "bin");
      await mkdir(target);
      await fill(workFolder, target);
      await rename(target, folder);
    } finally {
      await rm(workFolder, { recursive: true, force: true });
    }
  } finally {
    await unlock();
  }
}

/** What a process that was killed left behind. Only called with the lock held. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(`${basename(folder)}.partial-`)) continue;
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

/** A file with our process id, made only where there is none; one whose process is gone is taken over. */
async function lock(file: string, report: Report): Promise<() => Promise<void>> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  let isTold = false;
  for (;;) {
    if (await tryLock(file)) return () => rm(file, { force: true });
    if (performance.now() > deadline) throw new Error(`wait for "${file}": still held after an hour; remove it`);
    const holder = Number(await readFile(file, "utf8").catch(() => ""));
    if (holder > 0 && !isAlive(holder)) {
      await rm(file, { force: true });
      continue;
    }
    if (!isTold) report(`process ${holder} is filling the same cache folder: waiting for it`);
    isTold = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

async function tryLock(file: string): Promise<boolean> {
  try {
    const handle = await open(file, "wx");
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // no such process
  }
}
