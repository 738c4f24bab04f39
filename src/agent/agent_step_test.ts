import { describe, expect, test } from "bun:test";
import { type AgentAction, type AgentInput, type AgentState, agentStep, INITIAL_AGENT_STATE } from "./agent_step.ts";
import type { SeenJobSet } from "./seen_job_set.ts";

const RESTART_CODE = 88;

/** An agent that is fed inputs; what it wants done. */
class Agent {
  state: AgentState = INITIAL_AGENT_STATE;
  readonly #hasWorker: boolean;

  constructor(hasWorker = true) {
    this.#hasWorker = hasWorker;
  }

  step(input: AgentInput): readonly AgentAction[] {
    const step = agentStep(this.state, input, { hasWorker: this.#hasWorker, restartExitCode: RESTART_CODE, draw: 0 });
    this.state = step.state;
    return step.actions;
  }

  see(jobSet: Partial<SeenJobSet> | undefined): readonly AgentAction[] {
    const seen = jobSet === undefined ? undefined : { ...FRESH, ...jobSet };
    return this.step({ type: "jobSet", jobSet: seen });
  }
}

const FRESH: SeenJobSet = { isInPlace: true, previous: undefined, current: undefined };

/** One that has taken part in an attempt and whose barrier is lifted. */
function running(current: number, hasWorker = true): Agent {
  const agent = new Agent(hasWorker);
  agent.see(current === 0 ? {} : { current: current - 1 });
  agent.step({ type: "applied" });
  agent.see({ current });
  expect(agent.state.isLifted).toBe(true);
  return agent;
}

function lifted(attempt: number | undefined): readonly AgentAction[] {
  return [{ type: "liftBarrier", attempt }];
}

describe("at start", () => {
  test("the own attempt is 0 where there is none yet, else the one after the current", () => {
    expect(new Agent().see({})).toEqual([{ type: "apply", attempt: 0 }]);
    expect(new Agent().see({ current: 0 })).toEqual([{ type: "apply", attempt: 1 }]);
    expect(new Agent().see({ current: 6, previous: 6 })).toEqual([{ type: "apply", attempt: 7 }]);
  });

  test("without a JobSet it waits, and does so again where it is deleted", () => {
    const agent = new Agent();
    expect(agent.see(undefined)).toEqual([]);
    expect(agent.see({})).toHaveLength(1);
    agent.step({ type: "applied" });
    expect(agent.see(undefined)).toEqual([]);
    expect(agent.see({ current: 0 })).toEqual(lifted(0));
  });

  test("the attempt is decided once", () => {
    const agent = new Agent();
    agent.see({});
    agent.step({ type: "applied" });
    expect(agent.see({ current: 3 })).toEqual([]);
    expect(agent.state.attempt).toBe(0);
  });
});

describe("a failed write", () => {
  test("is tried again, later each time, before anything else", () => {
    const agent = new Agent();
    agent.see({ current: 4 });
    const delays = Array.from({ length: 10 }, () => {
      const [timer] = agent.step({ type: "applyFailed", retryAfterMs: undefined });
      // The barrier would fall, or the agent end, if it listened now.
      expect(agent.see({ current: 5 })).toEqual([]);
      expect(agent.see({ current: 6, previous: 5 })).toEqual([]);
      expect(agent.step({ type: "timer" })).toEqual([{ type: "apply", attempt: 5 }]);
      expect(agent.step({ type: "timer" })).toEqual([]);
      return timer?.type === "setTimer" ? timer.ms : -1;
    });
    expect(delays).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    expect(agent.step({ type: "applied" })).toEqual([{ type: "exit", code: RESTART_CODE, reason: "restart" }]);
  });

  test("waits as long as the server asks, a minute at most", () => {
    const agent = new Agent();
    agent.see({});
    expect(agent.step({ type: "applyFailed", retryAfterMs: 5000 })).toEqual([{ type: "setTimer", ms: 5000 }]);
    agent.step({ type: "timer" });
    expect(agent.step({ type: "applyFailed", retryAfterMs: 1e9 })).toEqual([{ type: "setTimer", ms: 60_000 }]);
  });
});

describe("the barrier", () => {
  test("is lifted once the own attempt is the current one, and only once", () => {
    const agent = new Agent();
    agent.see({});
    expect(agent.see({ current: 0 })).toEqual([]);
    expect(agent.step({ type: "applied" })).toEqual(lifted(0));
    expect(agent.see({ current: 0 })).toEqual([]);
  });

  test("stands while the current attempt is another one", () => {
    const agent = new Agent();
    agent.see({ current: 2 });
    agent.step({ type: "applied" });
    expect(agent.see({ current: 2 })).toEqual([]);
    expect(agent.see({ current: 2, previous: 2 })).toEqual([]);
    expect(agent.see({ current: 3, previous: 2 })).toEqual(lifted(3));
  });
});

describe("an attempt that is over", () => {
  test("ends the agent with its exit code, before and after the barrier fell", () => {
    const agent = running(3);
    expect(agent.see({ current: 3, previous: 2 })).toEqual([]);
    expect(agent.see({ current: 3, previous: 3 })).toEqual([{ type: "exit", code: RESTART_CODE, reason: "restart" }]);
    const waiting = new Agent();
    waiting.see({});
    waiting.step({ type: "applied" });
    expect(waiting.see({ previous: 4 })).toHaveLength(1);
  });

  test("nothing follows an end", () => {
    const agent = running(0);
    agent.see({ current: 0, previous: 0 });
    expect(agent.see({ current: 1 })).toEqual([]);
    expect(agent.step({ type: "workerExited", code: 137 })).toEqual([]);
    expect(agent.step({ type: "signal", signal: "SIGTERM" })).toEqual([]);
    expect(agent.step({ type: "timer" })).toEqual([]);
  });
});

describe("in-place restart turned off", () => {
  test("lifts the barrier once and does nothing else", () => {
    const agent = new Agent();
    expect(agent.see({ isInPlace: false, current: 5, previous: 5 })).toEqual(lifted(undefined));
    expect(agent.see({ isInPlace: false, current: 6, previous: 6 })).toEqual([]);
  });

  test("lets a worker go that waits for a write that fails, and stops trying", () => {
    const agent = new Agent();
    agent.see({});
    agent.step({ type: "applyFailed", retryAfterMs: undefined });
    expect(agent.see({ isInPlace: false })).toEqual(lifted(undefined));
    expect(agent.step({ type: "timer" })).toEqual([]);
    const sending = new Agent();
    sending.see({});
    sending.see({ isInPlace: false });
    expect(sending.step({ type: "applyFailed", retryAfterMs: undefined })).toEqual([]);
    // Turned on again it goes on where it was.
    expect(sending.see({})).toEqual([{ type: "apply", attempt: 0 }]);
  });

  test("and on again: a worker that runs joins the attempt under way instead of asking for another", () => {
    const agent = new Agent();
    agent.see({ isInPlace: false, current: 3 });
    expect(agent.see({ current: 3 })).toEqual([{ type: "apply", attempt: 3 }]);
    expect(agent.step({ type: "applied" })).toEqual([]);
    expect(agent.see({ current: 3, previous: 3 })).toHaveLength(1);
    const first = new Agent();
    first.see({ isInPlace: false });
    expect(first.see({})).toEqual([{ type: "apply", attempt: 0 }]);
  });

  test("a running worker is left alone, also by attempts that are over", () => {
    const agent = running(2);
    expect(agent.see({ isInPlace: false, current: 9, previous: 9 })).toEqual([]);
  });
});

describe("the end of the worker", () => {
  test("is the agent's own", () => {
    for (const code of [0, 3, 137]) {
      expect(running(1).step({ type: "workerExited", code })).toEqual([{ type: "exit", code, reason: "worker" }]);
    }
  });
});

describe("signals", () => {
  test("go to a worker that runs, which decides", () => {
    const agent = running(0);
    for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1"] as const) {
      expect(agent.step({ type: "signal", signal })).toEqual([{ type: "passSignal", signal }]);
    }
    expect(agent.step({ type: "workerExited", code: 0 })).toEqual([{ type: "exit", code: 0, reason: "worker" }]);
  });

  test("end an agent without a worker: 128 and the number", () => {
    const ends = [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129], ["SIGQUIT", 131]] as const;
    for (const [signal, code] of ends) {
      const exit = [{ type: "exit", code, reason: "signal" }];
      expect(new Agent().step({ type: "signal", signal })).toEqual(exit as AgentAction[]);
      expect(running(0, false).step({ type: "signal", signal })).toEqual(exit as AgentAction[]);
    }
  });

  test("that are words for a worker mean nothing without one", () => {
    for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
      expect(new Agent().step({ type: "signal", signal })).toEqual([]);
      expect(running(0, false).step({ type: "signal", signal })).toEqual([]);
    }
  });
});
