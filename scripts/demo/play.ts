/** Follows the JobSets of one file from their creation to their end. */
import type { Api } from "../control_plane/api.ts";
import { changeLines } from "./changes.ts";
import type { Display } from "./display.ts";
import { advance, type Timeline } from "./timeline.ts";
import { endOf, jobSetState, type JobSetView, jobState, type Snapshot } from "./views.ts";
import { World } from "./world.ts";

export interface PlayOptions {
  readonly api: Api;
  readonly display: Display;
  /** The JobSets that are waited for, as `namespace/name`. */
  readonly keys: readonly string[];
}

/** How a JobSet ended. */
export interface End {
  /** Completed or Failed. */
  readonly state: string;
  /** Of the condition, and of the Event that tells it. */
  readonly reason: string;
  readonly message: string;
}

const TICK_MS = 200;
const NOTHING: Snapshot = { jobSets: [], jobs: [], pods: [] };

export class Play {
  readonly #options: PlayOptions;
  readonly #world: World;
  readonly #ends = new Map<string, End>();
  readonly #timelines = new Map<string, Timeline>();
  readonly #ticker: ReturnType<typeof setInterval>;
  #last = NOTHING;
  /** When the first JobSet was seen. */
  #startedAt: number | undefined;

  constructor(options: PlayOptions) {
    this.#options = options;
    this.#world = new World(options.api, () => this.#look());
    this.#world.start();
    this.#ticker = setInterval(() => options.display.show(this.#last, [], this.elapsedMs), TICK_MS);
  }

  /** Since the first JobSet was seen. */
  get elapsedMs(): number {
    return this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
  }

  /** By `namespace/name`, also of JobSets that were deleted since. */
  get ends(): ReadonlyMap<string, End> {
    return this.#ends;
  }

  get timelines(): ReadonlyMap<string, Timeline> {
    return this.#timelines;
  }

  get hasEnded(): boolean {
    return this.#options.keys.every((key) => this.#ends.has(key));
  }

  /** When the first JobSet was seen, in milliseconds since 1970. */
  get zero(): number {
    return Date.now() - this.elapsedMs;
  }

  /** How the JobSet `namespace/name` stands, in a word. */
  stateOf(key: string): string {
    const jobSet = this.#last.jobSets.find(({ namespace, name }) => `${namespace}/${name}` === key);
    return jobSet === undefined ? "gone" : jobSetState(jobSet);
  }

  /** Whether what the end of a JobSet sets off is done: its other Jobs are gone. */
  get isSettled(): boolean {
    const { jobSets, jobs } = this.#last;
    const finished = new Set(jobSets.filter(({ terminalState }) => terminalState !== undefined).map(({ uid }) => uid));
    return jobs.filter(({ ownerUid }) => finished.has(ownerUid))
      .every((job) => ["Failed", "Complete"].includes(jobState(job)));
  }

  /** No tick any more; changes are still shown as they come. */
  stopClock(): void {
    clearInterval(this.#ticker);
  }

  async stop(): Promise<void> {
    this.stopClock();
    await this.#world.stop();
  }

  #look(): void {
    const { snapshot } = this.#world;
    if (snapshot.jobSets.length > 0) this.#startedAt ??= performance.now();
    for (const jobSet of snapshot.jobSets) this.#follow(jobSet, snapshot);
    const changes = changeLines(this.#last, snapshot);
    this.#last = snapshot;
    this.#options.display.show(snapshot, changes, this.elapsedMs);
  }

  #follow(jobSet: JobSetView, snapshot: Snapshot): void {
    const key = `${jobSet.namespace}/${jobSet.name}`;
    const { reason = "", message = "" } = endOf(jobSet) ?? {};
    if (jobSet.terminalState !== undefined) this.#ends.set(key, { state: jobSet.terminalState, reason, message });
    const jobs = snapshot.jobs.filter(({ ownerUid }) => ownerUid === jobSet.uid);
    const timeline = this.#timelines.get(jobSet.uid) ?? [];
    this.#timelines.set(jobSet.uid, advance(timeline, { jobSet, jobs, now: this.elapsedMs }));
  }
}
