/**
 * Agents and a controller that follow spec 5.1 and 5.2, with answers that come late, writes that fail, events that are skipped, and
 * workers that fail at any time, several at once: the two sides agree.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type AgentInput, type AgentState, agentStep, INITIAL_AGENT_STATE } from "./agent_step.ts";
import type { SeenJobSet } from "./seen_job_set.ts";

interface Status {
  readonly previous: number | undefined;
  readonly current: number | undefined;
}

interface Process {
  state: AgentState;
  /** The write that has no answer yet. */
  sending: number | undefined;
  hasTimer: boolean;
}

class Group {
  status: Status = { previous: undefined, current: undefined };
  readonly annotations: (number | undefined)[];
  readonly processes: Process[];
  failures = 0;
  /** Every attempt that a worker ran in. */
  readonly attempts = new Set<number>();

  constructor(size: number) {
    this.annotations = Array.from({ length: size }, () => undefined);
    this.processes = Array.from({ length: size }, () => start());
  }

  /** Spec 5.1, steps 4 to 6, on annotations of now or of a while ago. */
  reconcile(annotations: readonly (number | undefined)[] = this.annotations): void {
    const attempts = annotations.filter((attempt) => attempt !== undefined);
    const max = Math.max(0, ...attempts);
    const { previous, current } = this.status;
    if (attempts.length === annotations.length && attempts.every((attempt) => attempt === max)) {
      this.status = { previous, current: max };
    } else if (max > 0) {
      this.status = { previous: Math.max(previous ?? -1, max - 1), current };
    }
  }

  see(index: number): void {
    this.#input(index, { type: "jobSet", jobSet: { ...this.status, isInPlace: true } satisfies SeenJobSet });
  }

  answer(index: number, isGood: boolean): void {
    const process = this.#process(index);
    const attempt = process.sending;
    if (attempt === undefined) return;
    process.sending = undefined;
    // One without an answer may have been written all the same.
    if (isGood || attempt % 2 === 1) this.annotations[index] = attempt;
    this.#input(index, isGood ? { type: "applied" } : { type: "applyFailed", retryAfterMs: undefined });
  }

  fire(index: number): void {
    const process = this.#process(index);
    if (!process.hasTimer) return;
    process.hasTimer = false;
    this.#input(index, { type: "timer" });
  }

  /** The worker fails, or the agent itself is killed. */
  fail(index: number): void {
    this.failures += 1;
    this.processes[index] = start();
  }

  /** Without further failures all that is under way comes to its end. */
  settle(): void {
    for (let round = 0; round < 10; round++) {
      for (const index of this.processes.keys()) {
        this.see(index);
        this.fire(index);
        this.answer(index, true);
      }
      this.reconcile();
    }
  }

  #input(index: number, input: AgentInput): void {
    const process = this.#process(index);
    const step = agentStep(process.state, input, { hasWorker: true, restartExitCode: 1, draw: 0.5 });
    process.state = step.state;
    for (const action of step.actions) {
      if (action.type === "apply") process.sending = action.attempt;
      else if (action.type === "setTimer") process.hasTimer = true;
      else if (action.type === "liftBarrier") this.#lifted(action.attempt);
      else if (action.type === "exit") this.processes[index] = start();
    }
  }

  /** Nobody starts before all were ready for this very attempt. */
  #lifted(attempt: number | undefined): void {
    expect(attempt).toBe(this.status.current);
    expect(attempt).toBeDefined();
    this.attempts.add(attempt ?? -1);
  }

  #process(index: number): Process {
    const process = this.processes[index];
    if (process === undefined) throw new Error(`no process ${index}`);
    return process;
  }
}

function start(): Process {
  return { state: INITIAL_AGENT_STATE, sending: undefined, hasTimer: false };
}

const SIZE = 4;
const index = fc.integer({ min: 0, max: SIZE - 1 });
const command = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("see"), index) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("answer"), index) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("lose"), index) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("fire"), index) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("reconcile"), index) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("fail"), index) },
);

function perform(group: Group, what: string, which: number): void {
  switch (what) {
    case "see":
      return group.see(which);
    case "answer":
      return group.answer(which, true);
    case "lose":
      return group.answer(which, false);
    case "fire":
      return group.fire(which);
    case "fail":
      return group.fail(which);
    default:
      return group.reconcile();
  }
}

test("whatever happens, all workers end up running in one attempt", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 400 }), (commands) => {
      const group = new Group(SIZE);
      for (const [what, which] of commands) perform(group, what, which);
      group.settle();
      const { current } = group.status;
      expect(group.processes.map(({ state }) => [state.isLifted, state.attempt])).toEqual(
        Array.from({ length: SIZE }, () => [true, current]),
      );
      expect(group.annotations).toEqual(Array.from({ length: SIZE }, () => current));
      // One more look changes nothing: healthy workers are left alone.
      const before = group.processes.map(({ state }) => state);
      group.settle();
      expect(group.processes.map(({ state }) => state)).toEqual(before);
    }),
    { numRuns: 300 },
  );
});

test("each failure costs one attempt, however many fail in it", () => {
  const group = new Group(SIZE);
  group.settle();
  expect(group.status.current).toBe(0);
  group.fail(1);
  group.settle();
  expect(group.status.current).toBe(1);
  group.fail(0);
  group.fail(2);
  group.settle();
  expect(group.status.current).toBe(2);
  expect([...group.attempts]).toEqual([0, 1, 2]);
});
