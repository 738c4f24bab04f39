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
 * Becomes the worker's shell, beside a guard that kills the worker's process group when the agent is gone, however it went: the pipe
 * that the agent holds the other end of is then closed. The guard is nobody's child, so that no worker waits for it. Process 1 of a
 * container needs none of it.
 */
const GUARDED = `( { trap '' HUP INT QUIT TERM; read -r _ <&3; kill -s KILL 0; } & ); exec 3<&-; exec "$1" -c "$2"`;

/** Main container mode: the worker's command is run once the barrier is lifted (spec 5.2). */
export class WorkerBarrier implements Barrier {
  readonly #options: WorkerBarrierOptions;
  #worker: Bun.Subprocess | undefined;

  constructor(options: WorkerBarrierOptions) {
    this.#options = options;
  }

  lift(): void {
    const { shell, command, env, isFirstProcess, log, onExit } = this.#options;
    const plain = [shell, "-c", command];
    const guarded = ["sh", "-c", GUARDED, "worker", shell, command];
    const isGuarded = !isFirstProcess && Bun.which("sh") !== null;
    try {
      const worker = Bun.spawn(isGuarded ? guarded : plain, {
        stdio: ["inherit", "inherit", "inherit", ...(isGuarded ? ["pipe"] as const : [])],
        env: { ...env },
        // A process group of its own, so that it can be ended whole.
        detached: true,
      });
      this.#worker = worker;
      void worker.exited.then(onExit);
    } catch (cause) {
      log.error("cannot start the worker", { shell, error: messageOf(cause) });
      onExit(NOT_STARTED);
    }
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

function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // It has ended already, with all that it started.
  }
}
