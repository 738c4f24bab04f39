import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Barrier } from "./barrier.ts";
import type { PassedSignal } from "./signals.ts";

export interface WorkerBarrierOptions {
  readonly command: string;
  readonly shell: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Process 1 of a container: with it the kernel ends every process of the container. */
  readonly isFirstProcess: boolean;
  /** The worker ended, or could not be started: its exit code, 128 and the number where a signal ended it. */
  readonly onExit: (code: number) => void;
}

/** What shells say of a command that they cannot run. */
const NOT_STARTED = 127;
/** A killed process is gone at once, unless a driver holds it; waiting for that is the container's business. */
const END_MS = 1_000;

/**
 * Ends the worker's process group when the agent is gone, however it went: the pipe on its standard input is then closed. Process 1
 * needs none of it.
 */
const GUARD = 'read -r _; kill -s KILL -- "-$1"';

/** Main container mode: the worker's command is run once the barrier is lifted (spec 5.2). */
export class WorkerBarrier implements Barrier {
  readonly #options: WorkerBarrierOptions;
  #worker: Bun.Subprocess<"inherit", "inherit", "inherit"> | undefined;

  constructor(options: WorkerBarrierOptions) {
    this.#options = options;
  }

  lift(): void {
    const { shell, command, env, isFirstProcess, log, onExit } = this.#options;
    try {
      this.#worker = Bun.spawn([shell, "-c", command], {
        stdio: ["inherit", "inherit", "inherit"],
        env: { ...env },
        // A process group of its own, so that it can be ended whole.
        detached: true,
      });
    } catch (cause) {
      log.error("cannot start the worker", { shell, error: messageOf(cause) });
      return onExit(NOT_STARTED);
    }
    if (!isFirstProcess) guard(this.#worker.pid);
    void this.#worker.exited.then(onExit);
  }

  /** To the worker's shell alone, which stands where process 1 of the container stood: it knows its children. */
  pass(signal: PassedSignal): void {
    this.#worker?.kill(signal);
  }

  /**
   * Kills the whole group at once. A worker that is restarted belongs to an attempt that has failed: nothing that it could still write
   * counts, it may hang in a collective operation that never ends, and the group waits for it. Kubernetes does the same when it
   * restarts all containers of a Pod, without a grace period.
   */
  async end(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    killGroup(worker.pid);
    const { promise: isLate, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(END_MS, resolve);
    await Promise.race([worker.exited, isLate]);
    timer.cancel();
  }
}

function guard(group: number): void {
  // The pipe stays open for as long as this process lives: nobody closes it.
  const watching = Bun.spawn(["sh", "-c", GUARD, "guard", String(group)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watching.unref();
}

function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // It has ended already, with all that it started.
  }
}
