import type { ContainerListener, ContainerPlayer } from "./container.ts";
import type { Fate } from "./fate.ts";

/** What a container that ends by SIGTERM exits with. */
const TERMINATED = 143;

/** A container without a process: timers play its fate. */
export class FatedContainer implements ContainerPlayer {
  readonly #listener: ContainerListener;
  #fate: Fate;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #isReady = false;
  #isRunning = false;

  constructor(fate: Fate, listener: ContainerListener) {
    this.#fate = fate;
    this.#listener = listener;
  }

  start(): void {
    this.#isRunning = true;
    this.#listener({ kind: "running" });
    this.#listener({ kind: "startedUp" });
    this.#schedule();
  }

  /** A new fate, counted from now. */
  changeFate(fate: Fate): void {
    this.#fate = fate;
    if (!this.#isRunning) return;
    this.#clearTimers();
    this.#schedule();
  }

  stop(graceMs: number): Promise<void> {
    this.#clearTimers();
    if (!this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => {
      this.#after(Math.min(this.#fate.stopAfterMs, graceMs), () => {
        this.#exit(TERMINATED, "");
        resolve();
      });
    });
  }

  dispose(): void {
    this.#clearTimers();
    this.#isRunning = false;
  }

  #schedule(): void {
    const { readyAfterMs, ending } = this.#fate;
    if (readyAfterMs === undefined) this.#setReady(false);
    else this.#after(readyAfterMs, () => this.#setReady(true));
    if (ending !== undefined) this.#after(ending.afterMs, () => this.#exit(ending.exitCode, ending.message));
  }

  #setReady(isReady: boolean): void {
    if (this.#isReady === isReady) return;
    this.#isReady = isReady;
    this.#listener({ kind: "ready", isReady });
  }

  #exit(exitCode: number, message: string): void {
    this.#clearTimers();
    this.#isRunning = false;
    this.#isReady = false;
    this.#listener({ kind: "exited", exitCode, message });
  }

  #after(delayMs: number, fire: () => void): void {
    if (delayMs <= 0) return fire();
    this.#timers.push(setTimeout(fire, delayMs));
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}
