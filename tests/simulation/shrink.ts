/** Makes a scenario that fails smaller, as long as it fails in the same way. */
import { asArray, asInteger, asObject, at, type JsonObject } from "../../src/base/json.ts";
import type { JobSetPlay, RunResult, Scenario, Violation } from "./types.ts";

export interface ShrinkOptions {
  readonly run: (scenario: Scenario) => Promise<RunResult>;
  /** Runs at most; 300 if left out. */
  readonly maxRuns?: number;
  readonly onProgress?: (line: string) => void;
}

export interface Shrunk {
  readonly scenario: Scenario;
  readonly result: RunResult;
  readonly runs: number;
}

/** A smaller scenario, or undefined where there is nothing to take away. */
type Candidate = Scenario | undefined;

/** The smallest scenario found; `failed` is how the given one ended. */
export async function shrink(scenario: Scenario, failed: RunResult, options: ShrinkOptions): Promise<Shrunk> {
  const search = new Search(scenario, failed, options);
  let last: Scenario | undefined;
  while (last !== search.best && !search.isOver) {
    last = search.best;
    await search.pass();
  }
  return { scenario: search.best, result: search.result, runs: search.runs };
}

class Search {
  best: Scenario;
  result: RunResult;
  runs = 0;
  readonly #options: ShrinkOptions;
  readonly #invariant: string | undefined;

  constructor(scenario: Scenario, failed: RunResult, options: ShrinkOptions) {
    this.best = scenario;
    this.result = failed;
    this.#options = options;
    this.#invariant = failed.violation?.invariant;
  }

  get isOver(): boolean {
    return this.runs >= (this.#options.maxRuns ?? 300);
  }

  /** Each kind of simplification once, the ones that take away most first. */
  async pass(): Promise<void> {
    await this.#list(({ jobSets }) => jobSets, withJobSets);
    await this.#list(({ operations }) => operations, (scenario, operations) => ({ ...scenario, operations }));
    await this.#list(({ incidents }) => incidents, (scenario, incidents) => ({ ...scenario, incidents }));
    await this.#try((scenario) => scenario.controllers === 1 ? undefined : { ...scenario, controllers: 1 });
    for (const fault of Object.keys(this.best.faults)) await this.#try((scenario) => withoutFault(scenario, fault));
    for (const gate of Object.keys(this.best.gates)) await this.#try((scenario) => withoutGate(scenario, gate));
    await this.#calmEarlier();
    for (const index of this.best.jobSets.keys()) await this.#shrinkJobSet(index);
  }

  /** Delta debugging: ever smaller portions are left out. */
  async #list<T>(
    read: (scenario: Scenario) => readonly T[],
    write: (scenario: Scenario, items: readonly T[]) => Scenario,
  ): Promise<void> {
    for (let size = read(this.best).length; size >= 1; size = Math.floor(size / 2)) {
      for (let start = 0; start < read(this.best).length;) {
        const found = await this.#try((scenario) => {
          const items = read(scenario);
          return write(scenario, [...items.slice(0, start), ...items.slice(start + size)]);
        });
        if (this.isOver) return;
        if (!found) start += size;
      }
    }
  }

  async #calmEarlier(): Promise<void> {
    const { violation } = this.result;
    const wanted = [violation === undefined ? Infinity : Math.ceil(violation.atMs) + 1, this.best.calmAtMs / 2];
    for (const calmAtMs of wanted.map(Math.floor)) {
      await this.#try((scenario) => calmAtMs < scenario.calmAtMs - 1 ? { ...scenario, calmAtMs } : undefined);
    }
  }

  async #shrinkJobSet(index: number): Promise<void> {
    const count = replicatedJobs(this.best.jobSets[index]).length;
    for (let position = count - 1; position >= 0 && count > 1; position--) {
      await this.#try((scenario) => withReplicatedJobs(scenario, index, (jobs) => jobs.toSpliced(position, 1)));
    }
    for (const position of replicatedJobs(this.best.jobSets[index]).keys()) {
      for (const to of [() => 1, (replicas: number) => Math.ceil(replicas / 2), (replicas: number) => replicas - 1]) {
        await this.#try((scenario) => withReplicas(scenario, { index, position, to }));
      }
    }
  }

  /** True where the candidate fails in the same way: it is the best from now on. */
  async #try(change: (scenario: Scenario) => Candidate): Promise<boolean> {
    const candidate = change(this.best);
    if (candidate === undefined || this.isOver) return false;
    this.runs += 1;
    const result = await this.#options.run(candidate);
    if (!isSame(result.violation, this.#invariant)) return false;
    this.best = candidate;
    this.result = result;
    this.#options.onProgress?.(`still fails after ${result.steps} steps, run ${this.runs}`);
    return true;
  }
}

function isSame(violation: Violation | undefined, invariant: string | undefined): boolean {
  return violation !== undefined && violation.invariant === invariant;
}

/** What is done to a JobSet goes with it. */
function withJobSets(scenario: Scenario, jobSets: readonly JobSetPlay[]): Scenario {
  const names = new Set(jobSets.map(({ object }) => at(object, "metadata", "name")));
  return { ...scenario, jobSets, operations: scenario.operations.filter(({ jobSet }) => names.has(jobSet)) };
}

function withoutFault(scenario: Scenario, fault: string): Candidate {
  const rate = Object.entries(scenario.faults).find(([name]) => name === fault)?.[1] ?? 0;
  return rate === 0 ? undefined : { ...scenario, faults: { ...scenario.faults, [fault]: 0 } };
}

function withoutGate(scenario: Scenario, gate: string): Candidate {
  const gates = Object.fromEntries(Object.entries(scenario.gates).filter(([name]) => name !== gate));
  return Object.keys(gates).length === Object.keys(scenario.gates).length ? undefined : { ...scenario, gates };
}

function replicatedJobs(play: JobSetPlay | undefined): readonly unknown[] {
  return asArray(at(play?.object, "spec", "replicatedJobs"));
}

function withReplicatedJobs(
  scenario: Scenario,
  index: number,
  change: (jobs: readonly unknown[]) => readonly unknown[],
): Scenario {
  const jobSets = scenario.jobSets.map((play, position) => {
    if (position !== index) return play;
    const spec: JsonObject = { ...asObject(play.object["spec"]), replicatedJobs: change(replicatedJobs(play)) };
    return { ...play, object: { ...play.object, spec } };
  });
  return { ...scenario, jobSets };
}

function withReplicas(
  scenario: Scenario,
  { index, position, to }: {
    readonly index: number;
    readonly position: number;
    readonly to: (replicas: number) => number;
  },
): Candidate {
  const replicas = asInteger(at(replicatedJobs(scenario.jobSets[index])[position], "replicas")) ?? 1;
  if (replicas <= 1 || to(replicas) >= replicas) return undefined;
  return withReplicatedJobs(scenario, index, (jobs) => {
    return jobs.map((job, at) => at === position ? { ...asObject(job), replicas: to(replicas) } : job);
  });
}
