/** A wall clock that jumps: libfaketime, loaded into the controller's process; its monotonic clock goes on undisturbed. */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fetchDebianPackage } from "../../scripts/debian_package.ts";

/** Debian 12's. A mirror keeps only the newest: where it has gone, this says so, and the new digests are to be set here. */
const VERSION = "0.9.10-2.1";
const DIGESTS: Readonly<Record<string, { readonly arch: string; readonly sha256: string }>> = {
  x64: { arch: "amd64", sha256: "b09481e7690680966005330c3f907bba4b5eefc35e1faaea4783cc55655d1150" },
  arm64: { arch: "arm64", sha256: "2e09e24e85c77bdc555a04b4a6dd4523092066135d08ef233396e8f984a3daf2" },
};
const LIBRARY = "libfaketimeMT.so.1";
const SHARED = "/dev/shm";

/** The library's path, from a package that is not installed; else why there is none. */
export async function findClockLibrary(
  report: (line: string) => void,
): Promise<{ readonly path: string } | { readonly reason: string }> {
  const digest = process.platform === "linux" ? DIGESTS[process.arch] : undefined;
  if (digest === undefined) return { reason: `the package is not for ${process.platform}-${process.arch}` };
  try {
    const folder = join(
      await fetchDebianPackage({ name: "libfaketime", version: VERSION, ...digest }, report),
      "usr/lib",
    );
    const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((path) => path.endsWith(LIBRARY));
    return found === undefined ? { reason: `the package has no ${LIBRARY}` } : { path: join(folder, found) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The clock of one process: an offset that can change while it runs. */
export class JumpingClock {
  readonly #library: string;
  readonly #file: string;
  #offsetSeconds = 0;

  constructor(library: string, file: string) {
    this.#library = library;
    this.#file = file;
    this.set(0);
  }

  get offsetSeconds(): number {
    return this.#offsetSeconds;
  }

  /** How far the clock is ahead of the machine's; heard within a second. */
  set(seconds: number): void {
    this.#offsetSeconds = seconds;
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** What processes that have ended have left behind, because whoever had started them was killed too. */
  static forgetEnded(): void {
    for (const name of existsSync(SHARED) ? readdirSync(SHARED) : []) {
      const pid = /faketime_(?:shm|sem)_(\d+)$/.exec(name)?.[1];
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) JumpingClock.forget(Number(pid));
    }
  }

  /** A process that was killed leaves its shared memory behind. */
  static forget(pid: number): void {
    for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`]) rmSync(join(SHARED, name), { force: true });
  }
}
