/**
 * A file system in memory of a given size, for a disk that gets full. It is mounted in a name space of its own, which ends with the
 * process that holds it, however that ends; others reach it through /proc.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { GuardedProcess, ProcessGroup } from "../../scripts/control_plane/process_group.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";

const HOLD = 'mount -t tmpfs -o "size=$2" jobset-lite-chaos "$1" && echo ready > "$1/.ready" && exec sleep 2147483647';
const MOUNT_MS = 5_000;

export class SmallDisk {
  /** As everybody can reach it. */
  readonly path: string;
  readonly #holder: GuardedProcess;

  private constructor(holder: GuardedProcess, path: string) {
    this.#holder = holder;
    this.path = path;
  }

  /** Mounts it as root, or as a user who may make name spaces; else says why not. */
  static async mount(
    group: ProcessGroup,
    { folder, bytes }: { readonly folder: string; readonly bytes: number },
  ): Promise<SmallDisk | { readonly reason: string }> {
    if (process.platform !== "linux") return { reason: `no tmpfs on ${process.platform}` };
    const mountPoint = join(folder, "small-disk");
    mkdirSync(mountPoint, { recursive: true });
    const reasons: string[] = [];
    for (const flags of [["--mount"], ["--map-root-user", "--mount"]]) {
      const logFile = join(folder, `small-disk${flags.length}.log`);
      const command = [
        "unshare",
        ...flags,
        "--propagation",
        "private",
        "sh",
        "-c",
        HOLD,
        "hold",
        mountPoint,
        `${bytes}`,
      ];
      const holder = group.spawn(command, { logFile });
      const path = `/proc/${holder.pid}/root${mountPoint}`;
      const isReady = () => existsSync(join(path, ".ready"));
      await waitFor("a small disk", { timeoutMs: MOUNT_MS, check: () => isReady() || !holder.isRunning() });
      if (isReady()) return new SmallDisk(holder, path);
      reasons.push(readFileSync(logFile, "utf8").trim());
    }
    return { reason: reasons.join("; ") };
  }

  async unmount(): Promise<void> {
    await this.#holder.stop("SIGKILL");
  }
}
