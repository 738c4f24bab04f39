import type { Clock, Timer } from "../../../src/base/clock.ts";
import type { Timeline } from "../timeline.ts";

/** No timer of JavaScript is sooner; without that a wait too short for the clock's digits would never end. */
const MIN_DELAY_MS = 1;

/** One life of a process: what is planned for it does not happen after its end, nor while it stands still. */
export class ProcessLife {
  readonly #timeline: Timeline;
  #pausedUntilMs = -Infinity;
  #isOver = false;
  #planned = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What is planned for it and has neither happened nor been called off. */
  get planned(): number {
    return this.#planned;
  }

  end(): void {
    this.#isOver = true;
  }

  /** It stands still: what falls due meanwhile happens, in its order, when it goes on. */
  pause(forMs: number): void {
    this.#pausedUntilMs = this.#timeline.nowMs + forMs;
  }

  after(delayMs: number, label: string, fire: () => void): Timer {
    this.#planned += 1;
    let isOpen = true;
    const close = () => {
      if (isOpen) this.#planned -= 1;
      isOpen = false;
    };
    const happen = () => {
      const leftMs = this.#pausedUntilMs - this.#timeline.nowMs;
      if (leftMs > 0 && !this.#isOver) {
        due = this.#timeline.after(leftMs, label, happen);
        return;
      }
      close();
      if (!this.#isOver) fire();
    };
    let due = this.#timeline.after(delayMs, label, happen);
    return {
      cancel: () => {
        due.isCancelled = true;
        close();
      },
    };
  }
}

/** The clock of one machine in a simulated world: its wall clock may be wrong, and be set. */
export class ProcessClock implements Clock {
  readonly #timeline: Timeline;
  readonly #life: ProcessLife;
  readonly #wallAtStart: () => number;

  constructor(timeline: Timeline, life: ProcessLife, wallAtStart: () => number) {
    this.#timeline = timeline;
    this.#life = life;
    this.#wallAtStart = wallAtStart;
  }

  now(): number {
    return this.#wallAtStart() + this.#timeline.nowMs;
  }

  monotonic(): number {
    return this.#timeline.nowMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    return this.#life.after(Math.max(delayMs, MIN_DELAY_MS), "timer", fire);
  }
}
