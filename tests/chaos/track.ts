/** One incident after another, each followed until the controller does something again. */
import type { Disturbances } from "./disturbances.ts";
import type { Judge } from "./judge.ts";
import type { Incident } from "./incidents.ts";
import type { Draw } from "./play.ts";

export interface TrackOptions {
  readonly incidents: readonly Incident[];
  readonly draw: Draw;
  readonly judge: Judge;
  readonly disturbances: Disturbances;
  readonly pauseMs: readonly [number, number];
  readonly note: (line: string) => void;
}

const LOOK_MS = 50;
/** So long it is waited for a sign of life; what must hold at the end is judged there. */
const RECOVERY_MS = 60_000;

export class Track {
  /** How often each happened; those that can't be had, with the reason. */
  readonly counts = new Map<string, number>();
  readonly missing = new Map<string, string>();
  kills = 0;
  longest = { ms: 0, after: "nothing" };
  readonly #options: TrackOptions;
  #isOver = false;
  #deals = 0;
  #now = "";

  constructor(options: TrackOptions) {
    this.#options = options;
  }

  /** How often all of them happened. */
  get deals(): number {
    return this.#deals;
  }

  /** What is going on. */
  get now(): string {
    return this.#now;
  }

  /** Resolves when the incident that was under way has passed. */
  async run(): Promise<void> {
    const { incidents, draw } = this.#options;
    while (!this.#isOver) {
      for (const incident of draw.shuffled(incidents)) {
        await this.#pause(draw.between(...this.#options.pauseMs));
        if (this.#isOver) return;
        await this.#one(incident);
      }
      this.#deals += 1;
    }
  }

  end(): void {
    this.#isOver = true;
  }

  async #one(incident: Incident): Promise<void> {
    const { note, judge, disturbances } = this.#options;
    const startedAt = performance.now();
    note(incident.name);
    this.#now = incident.name;
    disturbances.begin();
    const missing = await incident.run();
    disturbances.end();
    this.#now = "";
    if (missing !== undefined) return void this.missing.set(incident.name, missing.reason);
    this.counts.set(incident.name, (this.counts.get(incident.name) ?? 0) + 1);
    this.kills += incident.kills;
    const endedAt = performance.now();
    note(`${incident.name}: over after ${Math.round(endedAt - startedAt)} ms`);
    while (!this.#isOver && judge.tally.lastDeedAtMs < endedAt && performance.now() - endedAt < RECOVERY_MS) {
      await sleep(LOOK_MS);
    }
    const recoveryMs = (judge.tally.lastDeedAtMs < endedAt ? performance.now() : judge.tally.lastDeedAtMs) - endedAt;
    if (recoveryMs > this.longest.ms) this.longest = { ms: recoveryMs, after: incident.name };
  }

  async #pause(ms: number): Promise<void> {
    const until = performance.now() + ms;
    while (!this.#isOver && performance.now() < until) await sleep(LOOK_MS);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
