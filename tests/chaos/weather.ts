/** What requests of the controller meet on their way: now nothing, now much, drawn anew every few seconds. */
import type { Random } from "../../src/base/random.ts";
import type { ActiveRule, FaultProxy } from "../../scripts/fault_proxy.ts";
import type { Fault } from "../../scripts/fault_proxy/proxy_connection.ts";

/** Probability in the worst weather, and fault. */
const FAULTS: readonly (readonly [string, number, Fault])[] = [
  ["409", 0.06, { answer: { code: 409 } }],
  ["429", 0.05, { answer: { code: 429, headers: { "retry-after": "1" } } }],
  ["500", 0.06, { answer: { code: 500 } }],
  ["503", 0.06, { answer: { code: 503 } }],
  ["504", 0.03, { answer: { code: 504 } }],
  ["lost answer", 0.08, { dropAfter: true }],
  ["never answered", 0.004, { silence: true }],
  ["late by 0.05 s", 0.08, { delayMs: 50 }],
  ["late by 0.4 s", 0.05, { delayMs: 400 }],
  ["late by 1.5 s", 0.01, { delayMs: 1_500 }],
  ["cut answer", 0.05, { cutAfterBytes: 100 }],
];
const CUT_STREAMS = 0.5;
/** Watches that fail again and again wait for up to 30 s, and nothing happens meanwhile: they are spared for the most part. */
const WATCH_SHARE = 0.25;

export class Weather {
  readonly #proxy: FaultProxy;
  readonly #random: Random;
  readonly #hits = new Map<string, number>();
  #rules: (readonly [string, ActiveRule])[] = [];

  constructor(proxy: FaultProxy, random: Random) {
    this.#proxy = proxy;
    this.#random = random;
  }

  /** How many requests met each fault up to now. */
  get hits(): ReadonlyMap<string, number> {
    const hits = new Map(this.#hits);
    for (const [name, rule] of this.#rules) hits.set(name, (hits.get(name) ?? 0) + rule.hits);
    return hits;
  }

  /** From 0, nothing, to 1, the worst. */
  change(strength: number): void {
    this.calm();
    if (strength === 0) return;
    const chance = (probability: number) => (_method: string, _path: string, query: URLSearchParams) =>
      this.#random.next() < probability * strength * (query.has("watch") ? WATCH_SHARE : 1);
    for (const [name, probability, fault] of FAULTS) {
      this.#rules.push([name, this.#proxy.rule({ ...fault, match: chance(probability) })]);
    }
    const match = (_method: string, _path: string, query: URLSearchParams) =>
      query.has("watch") && this.#random.next() < CUT_STREAMS * strength;
    this.#rules.push(["cut stream", this.#proxy.rule({ cutAfterBytes: 20_000, match })]);
  }

  calm(): void {
    for (const [name, rule] of this.#rules) this.#hits.set(name, (this.#hits.get(name) ?? 0) + rule.hits);
    this.#rules = [];
    this.#proxy.clearRules();
  }

  /** Connections that were cut by hand count too. */
  count(name: string, hits: number): void {
    this.#hits.set(name, (this.#hits.get(name) ?? 0) + hits);
  }
}
