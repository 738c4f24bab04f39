/** Candidates for one Lease, and the time that passes: for the tests of this folder. */
import { expect } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import type { LogFields } from "../base/log.ts";
import type { KubeRequest } from "../client/kube_client.ts";
import { LeaderElector } from "./leader_elector.ts";
import { AT_ONCE, type Fate, LeaseClient, LeaseServer, NAME, NAMESPACE, ProcessClock } from "./test_lease_server.ts";

export const TIMING = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

export class Election {
  readonly world = new FakeClock();
  readonly server = new LeaseServer();
  readonly #candidates: Candidate[] = [];

  candidate(identity: string): Candidate {
    const candidate = new Candidate(identity, this);
    this.#candidates.push(candidate);
    return candidate;
  }

  async leader(): Promise<Candidate> {
    const candidate = this.candidate("us").start();
    await this.pass(0);
    expect(candidate.elector.mayWrite()).toBe(true);
    return candidate;
  }

  /** A holder that is not ours, as client-go writes it. */
  heldBy(holderIdentity: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.server.put({
      holderIdentity,
      leaseDurationSeconds: 15,
      acquireTime: "2030-01-01T00:00:00.000000Z",
      renewTime: new Date(this.world.now()).toISOString().replace("Z", "000Z"),
      leaseTransitions: 3,
      ...fields,
    });
  }

  pass(ms: number): Promise<void> {
    return this.world.advanceAndSettle(ms);
  }

  /** Ends all; nothing may be left running. */
  async end(): Promise<void> {
    for (const candidate of this.#candidates) candidate.abort();
    await this.pass(0);
    expect(this.world.timerCount).toBe(0);
  }
}

export class Candidate {
  readonly clock: ProcessClock;
  readonly client: LeaseClient;
  readonly elector: LeaderElector;
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] = [];
  readonly #abort = new AbortController();
  result: string | undefined;

  constructor(identity: string, { world, server }: Election) {
    this.clock = new ProcessClock(world);
    this.client = new LeaseClient(server, { world, own: this.clock });
    const tell = (level: string, message: string, fields: LogFields | undefined) =>
      this.lines.push({ level, message, fields });
    this.elector = new LeaderElector({
      ...TIMING,
      client: this.client,
      clock: this.clock,
      random: { next: () => 0.5 },
      log: {
        info: (verbosity, message, fields) => tell(`V${verbosity}`, message, fields),
        error: (message, fields) => tell("ERROR", message, fields),
      },
      identity,
      namespace: NAMESPACE,
      name: NAME,
    });
  }

  start(): this {
    this.elector.run(this.#abort.signal).then((result) => this.result = result);
    return this;
  }

  abort(): void {
    this.#abort.abort();
  }

  /** From now on these requests meet this fate. */
  meet(method: KubeRequest["method"], fate: Partial<Fate>): void {
    const others = this.client.fate;
    this.client.fate = (request) => request.method === method ? { ...AT_ONCE, ...fate } : others(request);
  }

  heal(): void {
    this.client.fate = () => AT_ONCE;
  }

  said(message: string): number {
    return this.lines.filter((line) => line.message === message && line.level !== "V2").length;
  }
}
