/** What every theme of invariants gets, and what it gives. */
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import type { Learned, Sending, SimulationView } from "../types.ts";
import type { Change, Truth } from "./truth.ts";

export interface Bench {
  readonly view: SimulationView;
  readonly truth: Truth;
  readonly gates: FeatureGates;
  /** Nothing goes wrong in this run, and one controller alone sees it all. */
  readonly isFaultless: boolean;
  /** How long a controller may not know of what is stored, or a request of its be under way. */
  readonly lagMs: number;
  /** How far the clocks of the controllers may be from the cluster's. */
  readonly clockErrorMs: number;
  readonly report: (invariant: string, detail: string) => void;
}

export interface Theme {
  /** The truth shows the write already. */
  onChange?(change: Change): void;
  onSend?(sending: Sending): void;
  onLearn?(learned: Learned): void;
  afterStep?(): void;
  atRest?(): void;
}
