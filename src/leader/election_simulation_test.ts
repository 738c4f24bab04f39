/**
 * Elections on a bad network, from one seed: requests and events late, lost, refused or without an answer; processes that
 * stand still, are killed, started, told to release; clocks that jump. Never may two write at once; and once all is well again,
 * one leads.
 */
import { seededRandom } from "../base/seeded_random.ts";
import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import type { Random } from "../base/random.ts";
import { LeaderElector } from "./leader_elector.ts";
import { type Fate, LeaseClient, LeaseServer, NAME, NAMESPACE, ProcessClock } from "./test_lease_server.ts";

const TIMING = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 };
const PROCESSES = 4;
const FAULTS_MS = 120_000;
const SEEDS = 40;

interface Process {
  readonly identity: string;
  readonly clock: ProcessClock;
  readonly client: LeaseClient;
  readonly elector: LeaderElector;
  readonly killed: AbortController;
  hasEnded: boolean;
}

class Simulation {
  readonly world = new FakeClock();
  readonly server = new LeaseServer();
  readonly trace: string[] = [];
  readonly #random: Random;
  #processes: Process[] = [];
  #count = 0;
  #writer: string | undefined;
  #isFaulty = true;
  /** Moments at which two could write. */
  overlaps = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  async run(): Promise<void> {
    for (let index = 0; index < PROCESSES; index++) this.#start();
    let nextFaultMs = 0;
    while (this.world.monotonic() < FAULTS_MS) {
      await this.#stepUntil(nextFaultMs);
      this.#fault();
      nextFaultMs = this.world.monotonic() + this.#random.next() * 2_000;
    }
    this.#isFaulty = false;
    for (const { clock } of this.#processes) clock.resume();
    while (this.#processes.length < PROCESSES) this.#start();
    await this.#stepUntil(this.world.monotonic() + 30_000);
  }

  get writers(): readonly string[] {
    return this.#processes.filter(({ elector }) => elector.mayWrite()).map(({ identity }) => identity);
  }

  async end(): Promise<void> {
    for (const { killed, clock } of this.#processes) {
      clock.resume();
      killed.abort();
    }
    await this.world.advanceAndSettle(10_000);
  }

  /** From timer to timer, and what must always hold is looked at after each. */
  async #stepUntil(endMs: number): Promise<void> {
    for (;;) {
      const delayMs = Math.min(this.world.nextDelayMs ?? Infinity, endMs - this.world.monotonic());
      await this.world.advanceAndSettle(Math.max(delayMs, 0));
      this.#check();
      if (this.world.monotonic() >= endMs) return;
    }
  }

  #check(): void {
    const { writers } = this;
    if (writers.length > 1) this.overlaps += 1;
    if (writers[0] === this.#writer) return;
    this.#writer = writers[0];
    this.trace.push(`${Math.round(this.world.monotonic())} ${writers.join("+") || "nobody"}`);
  }

  #start(): void {
    const identity = `p${this.#count++}`;
    const clock = new ProcessClock(this.world);
    clock.wallOffsetMs = (this.#random.next() - 0.5) * 10_000_000;
    const client = new LeaseClient(this.server, { world: this.world, own: clock });
    client.fate = () => this.#fate();
    const elector = new LeaderElector({
      ...TIMING,
      client,
      clock,
      random: this.#random,
      log: { info() {}, error() {} },
      identity,
      namespace: NAMESPACE,
      name: NAME,
    });
    const process: Process = { identity, clock, client, elector, killed: new AbortController(), hasEnded: false };
    this.#processes.push(process);
    elector.run(process.killed.signal).then(() => {
      process.hasEnded = true;
      this.#processes = this.#processes.filter((other) => other !== process);
    });
  }

  #fate(): Fate {
    const draw = () => this.#random.next();
    if (!this.#isFaulty) return { delaysMs: [draw() * 5, draw() * 5] };
    const slow = () => draw() < 0.1 ? draw() * 5_000 : draw() * 200;
    const kinds = ["refused", "unanswered", "lostAnswer"] as const;
    return {
      delaysMs: [slow(), slow()],
      fails: draw() < 0.15 ? kinds[Math.floor(draw() * kinds.length)] : undefined,
      error: draw() < 0.05 ? { status: draw() < 0.5 ? 503 : 429, reason: "Busy" } : undefined,
    };
  }

  #fault(): void {
    const process = this.#processes[Math.floor(this.#random.next() * this.#processes.length)];
    const kind = Math.floor(this.#random.next() * 8);
    if (process === undefined || this.#processes.length < 2) return this.#start();
    switch (kind) {
      case 0:
        return process.clock.stop();
      case 1:
      case 2:
        for (const { clock } of this.#processes) if (this.#random.next() < 0.7) clock.resume();
        return;
      case 3:
        // A killed process does nothing more, whatever answers come.
        process.clock.stop();
        process.killed.abort();
        return;
      case 4:
        if (!process.clock.isStopped) void process.elector.release();
        return;
      case 5:
        process.clock.wallOffsetMs += (this.#random.next() - 0.5) * 20_000;
        return;
      case 6:
        return process.client.cut();
      default:
        if (this.#processes.length < PROCESSES + 2) this.#start();
    }
  }
}

async function simulate(seed: number, change: (simulation: Simulation) => void = () => {}): Promise<Simulation> {
  const simulation = new Simulation(seed);
  change(simulation);
  await simulation.run();
  return simulation;
}

test("whatever happens, two never may write at once; when all is well again, one leads", async () => {
  let changes = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const simulation = await simulate(seed);
    if (simulation.overlaps > 0 || simulation.writers.length !== 1) {
      throw new Error(
        `seed ${seed}: ${simulation.overlaps} overlaps, at last ${simulation.writers}\n${simulation.trace.join("\n")}`,
      );
    }
    changes += simulation.trace.length;
    await simulation.end();
  }
  // It was no quiet time.
  expect(changes).toBeGreaterThan(SEEDS * 10);
}, 60_000);

test("a seed gives the same elections again", async () => {
  const [first, second] = [await simulate(7), await simulate(7)];
  expect(first.trace).toEqual(second.trace);
  await first.end();
  await second.end();
});

test("a server that takes no notice of resourceVersions is found out", async () => {
  let overlaps = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const simulation = await simulate(seed, ({ server }) => server.isCareless = true);
    overlaps += simulation.overlaps;
    await simulation.end();
  }
  expect(overlaps).toBeGreaterThan(0);
}, 30_000);
