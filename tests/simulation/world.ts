/** A cluster with its users, its API server, our controllers and everything that goes wrong, from one scenario. */
import { drainMicrotasks } from "bun:jsc";
import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import type { Random } from "../../src/base/random.ts";
import { seededRandom } from "../../src/base/seeded_random.ts";
import { startActors } from "./actors/start_actors.ts";
import { ControllerProcess } from "./process/controller_process.ts";
import { SimServer } from "./server/sim_server.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import type { FaultRates, Incident, Learned, Scenario, Sending, SimulationView, Write } from "./types.ts";

/** When every run begins. */
const START_MS = Date.UTC(2030, 0, 1);

export class World implements SimulationView {
  readonly scenario: Scenario;
  readonly server: SimServer;
  readonly random: Random;
  readonly processes: readonly ControllerProcess[];
  readonly #timeline = new Timeline();
  readonly #trace: Trace;
  readonly #sendListeners: ((sending: Sending) => void)[] = [];
  readonly #learnListeners: ((learned: Learned) => void)[] = [];
  #steps = 0;
  #outUntilMs = -Infinity;
  #changedAtMs = 0;

  constructor(scenario: Scenario, onTrace?: (line: string) => void) {
    this.scenario = scenario;
    this.random = seededRandom(scenario.seed ^ 0x5eed);
    this.#trace = new Trace(onTrace);
    const gates = { ...DEFAULT_FEATURE_GATES, ...scenario.gates };
    this.server = new SimServer({ now: () => this.now(), hasWebhooks: scenario.hasWebhooks, gates });
    this.server.onWrite((write) => this.#written(write));
    this.processes = Array.from({ length: scenario.controllers }, (_, index) => this.#process(index + 1));
  }

  get steps(): number {
    return this.#steps;
  }

  get hash(): string {
    return this.#trace.hash;
  }

  get isCalm(): boolean {
    return this.#timeline.nowMs >= this.scenario.calmAtMs;
  }

  /** Milliseconds since anything but a lease was written. */
  get quietMs(): number {
    return this.#timeline.nowMs - this.#changedAtMs;
  }

  now(): number {
    return START_MS + this.#timeline.nowMs;
  }

  elapsed(): number {
    return this.#timeline.nowMs;
  }

  after(delayMs: number, label: string, fire: () => void): void {
    this.#timeline.after(delayMs, label, fire);
  }

  /** Called with each request of a controller that changes something, before it leaves. */
  onSend(listener: (sending: Sending) => void): void {
    this.#sendListeners.push(listener);
  }

  /** Called after each change of what a controller knows. */
  onLearn(listener: (learned: Learned) => void): void {
    this.#learnListeners.push(listener);
  }

  start(): void {
    startActors(this, this.scenario);
    for (const process of this.processes) {
      this.after(this.random.next() * 100, "start", () => process.start());
    }
    for (const incident of this.scenario.incidents) {
      this.after(incident.atMs, incident.kind, () => this.#befall(incident));
    }
    this.after(this.scenario.calmAtMs, "calm", () => this.#calm());
  }

  /** Lets go of it, once nothing more is asked of it. */
  dispose(): void {
    for (const process of this.processes) process.dispose();
  }

  /** The next thing happens, and what follows from it at once; false where nothing is left to happen. */
  step(): boolean {
    const due = this.#timeline.next();
    if (due === undefined) return false;
    this.#steps += 1;
    this.#trace.step(due.label, due.atMs);
    due.fire();
    drainMicrotasks();
    return true;
  }

  #process(number: number): ControllerProcess {
    const { scenario } = this;
    return new ControllerProcess({
      number,
      timeline: this.#timeline,
      server: this.server,
      random: this.random,
      gates: scenario.gates,
      hasWebhooks: scenario.hasWebhooks,
      elects: scenario.controllers > 1,
      startMs: START_MS,
      faults: () => this.#faults(),
      isOut: () => this.#timeline.nowMs < this.#outUntilMs,
      say: (line) => this.#trace.say(line),
      onSend: (sending) => {
        for (const listener of this.#sendListeners) listener(sending);
      },
      onLearn: (learned) => {
        for (const listener of this.#learnListeners) listener(learned);
      },
    });
  }

  #faults(): FaultRates | undefined {
    return this.isCalm ? undefined : this.scenario.faults;
  }

  #befall(incident: Incident): void {
    if (this.isCalm) return;
    switch (incident.kind) {
      case "compact":
        return this.server.compact();
      case "cutStreams":
        for (const process of this.processes) process.cutStreams();
        return;
      case "outage":
        this.#outUntilMs = this.#timeline.nowMs + incident.forMs;
        for (const process of this.processes) process.cutStreams();
        return;
      default:
        return this.#befallProcess(incident);
    }
  }

  #befallProcess(incident: Extract<Incident, { readonly controller: number }>): void {
    const process = this.processes[incident.controller % this.processes.length];
    if (process === undefined) return;
    switch (incident.kind) {
      case "kill":
        return process.kill();
      case "restart":
        return process.restart();
      case "killAtRequest":
        return process.killAtRequest(incident.nth);
      case "pause":
        return process.pause(incident.forMs);
      case "clockStep":
        return process.stepClock(incident.byMs);
    }
  }

  #calm(): void {
    this.#outUntilMs = -Infinity;
    const { lostLine, swappedLine } = this.scenario.faults;
    for (const process of this.processes) {
      process.killAtRequest(Infinity);
      // What a stream left out without ending is found out by nobody but a new process.
      if (lostLine + swappedLine > 0) process.kill();
    }
  }

  #written(write: Write): void {
    if (write.resource !== "leases") this.#changedAtMs = this.#timeline.nowMs;
    this.#trace.written(write);
  }
}
