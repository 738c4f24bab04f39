/** Plays, several at a time, until told to stop; and whether each came to its right end. */
import type { Judge } from "./judge.ts";
import { drawPlays } from "./acted_kinds.ts";
import type { Draw, Kind, Play } from "./play.ts";
import { type Goal, restProblems } from "./rest.ts";
import type { Stage } from "./stage.ts";

/** Plays under way at once, and JobSets that may stand at once with those that stay. */
const MAX_OPEN = 12;
const MAX_STANDING = 24;
/** Of those that stay after their end: the oldest goes then, so that a long run has room for new ones. */
const MAX_STAYING = 8;
const LOOK_MS = 200;
/** A play that has not come to its end by then goes on, and another begins beside it. */
const PATIENCE_MS = 25_000;

type Propagation = "Background" | "Foreground";

interface Run {
  readonly play: Play;
  goal: Goal;
  isActed: boolean;
  problem: string | undefined;
}

export class Theatre {
  readonly #stage: Stage;
  readonly #judge: Judge;
  readonly #draw: Draw;
  readonly #plays: Generator<Play>;
  readonly #runs: Run[] = [];
  readonly #staying: { readonly run: Run; readonly propagation: Propagation }[] = [];
  readonly #ended = new AbortController();
  #open = 0;
  #loop: Promise<void> = Promise.resolve();
  readonly #acts = new Set<Promise<void>>();

  constructor(stage: Stage, kinds: Readonly<Record<string, Kind>>, draw: Draw) {
    this.#stage = stage;
    this.#judge = stage.judge;
    this.#draw = draw;
    this.#plays = drawPlays(kinds, draw);
  }

  get open(): number {
    return this.#open;
  }

  get played(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { play } of this.#runs) counts.set(play.kind, (counts.get(play.kind) ?? 0) + 1);
    return counts;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Begins no further play; those under way go on to their ends. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#loop;
  }

  /** What is not yet as it must be, by JobSet. */
  problems(): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, readonly string[]>();
    for (const run of this.#runs) {
      const problems = this.#problemsOf(run);
      if (problems.length > 0) found.set(run.play.name, problems);
    }
    return found;
  }

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const standing = [...this.#judge.current].length;
      if (this.#open < MAX_OPEN && standing < MAX_STANDING) this.#begin();
      await this.#stage.sleep(LOOK_MS);
    }
  }

  #begin(): void {
    const { value: play } = this.#plays.next();
    const run: Run = { play, goal: play.goal, isActed: false, problem: undefined };
    const fate = { isRemoved: this.#draw.chance(0.8), propagation: this.#draw.of("Background", "Foreground") } as const;
    this.#runs.push(run);
    this.#open += 1;
    const acting = this.#perform(run, fate).catch((error: unknown) => {
      run.problem = error instanceof Error ? error.message : String(error);
    });
    this.#acts.add(acting);
    void acting.then(() => this.#acts.delete(acting));
  }

  async #perform(
    run: Run,
    { isRemoved, propagation }: { readonly isRemoved: boolean; readonly propagation: Propagation },
  ): Promise<void> {
    const { play } = run;
    let isCounted = true;
    const release = () => {
      if (isCounted) this.#open -= 1;
      isCounted = false;
    };
    const timer = setTimeout(release, PATIENCE_MS);
    try {
      await this.#stage.create(play.object);
      await play.act?.(this.#stage);
      run.isActed = true;
      const { signal } = this.#ended;
      await this.#stage.until(() => signal.aborted || this.#problemsOf(run).length === 0);
      if (signal.aborted || play.goal.end === "Gone") return;
      if (isRemoved) return await this.#remove(run, propagation);
      this.#staying.push({ run, propagation });
      const oldest = this.#staying.length > MAX_STAYING ? this.#staying.shift() : undefined;
      if (oldest !== undefined) await this.#remove(oldest.run, oldest.propagation);
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  async #remove(run: Run, propagation: Propagation): Promise<void> {
    run.goal = { end: "Gone" };
    await this.#stage.remove(run.play.name, propagation);
  }

  #problemsOf(run: Run): readonly string[] {
    if (run.problem !== undefined) return [`the play broke off: ${run.problem}`];
    if (!run.isActed) return ["its users are not done"];
    const life = this.#judge.find(this.#stage.cluster.namespace, run.play.name);
    return restProblems(life, run.goal, Date.now());
  }
}
