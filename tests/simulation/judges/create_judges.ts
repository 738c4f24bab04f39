/** All invariants of the simulation, derived from the specification and from nothing of the plan's code. */
import { DEFAULT_FEATURE_GATES } from "../../../src/api/feature_gates.ts";
import type { Judge, Scenario, SimulationView } from "../types.ts";
import { boundsTheme } from "./bounds.ts";
import { bystandersTheme } from "./bystanders.ts";
import { cachesTheme } from "./caches.ts";
import { canaryTheme } from "./canary.ts";
import { conditionsTheme } from "./conditions.ts";
import { countersTheme } from "./counters.ts";
import { createsTheme } from "./creates.ts";
import { deletesTheme } from "./deletes.ts";
import { executionTheme } from "./execution.ts";
import { knowledgeTheme } from "./knowledge.ts";
import { restTheme } from "./rest.ts";
import { restartsTheme } from "./restarts.ts";
import type { Bench, Theme } from "./theme.ts";
import { Truth } from "./truth.ts";

export type Report = (invariant: string, detail: string) => void;

/** Where nothing goes wrong a change is known, and a request has arrived, within this time. */
const LAG_MS = 1_500;
/** A stream may say nothing for so long until it is given up, and a request may be tried again for a while. */
const FAULTY_LAG_MS = 180_000;

export interface JudgeOptions {
  /** Adds an invariant that does not hold: a simulation that does not find it is worth nothing. */
  readonly hasCanary?: boolean;
}

export function createJudges(view: SimulationView, report: Report, { hasCanary = false }: JudgeOptions = {}): Judge[] {
  const longestLagMs = lagMs(view.scenario);
  const truth = new Truth(() => view.now(), longestLagMs);
  const bench: Bench = {
    view,
    truth,
    report,
    gates: { ...DEFAULT_FEATURE_GATES, ...view.scenario.gates },
    isFaultless: isFaultless(view.scenario),
    lagMs: longestLagMs,
    clockErrorMs: clockErrorMs(view.scenario),
  };
  // What holds for a JobSet of any shape, and one whose shape was changed.
  const onlookers: readonly Theme[] = [bystandersTheme(bench), boundsTheme(bench), cachesTheme(bench)];
  const themes: readonly Theme[] = [
    ...onlookers,
    restartsTheme(bench),
    conditionsTheme(bench),
    createsTheme(bench),
    deletesTheme(bench),
    countersTheme(bench),
    executionTheme(bench),
    restTheme(bench),
    knowledgeTheme(bench),
    ...(hasCanary ? [canaryTheme(bench)] : []),
  ];
  const senders = themes.flatMap(({ onSend }) => onSend ?? []);
  const learners = themes.flatMap(({ onLearn }) => onLearn ?? []);
  return [{
    onWrite(write) {
      const change = truth.take(write);
      const isReshaped = change.kind !== "other" && change.record?.isReshaped === true;
      for (const theme of isReshaped ? onlookers : themes) theme.onChange?.(change);
    },
    onSend(sending) {
      for (const onSend of senders) onSend(sending);
    },
    onLearn(learned) {
      for (const onLearn of learners) onLearn(learned);
    },
    afterStep() {
      for (const theme of themes) theme.afterStep?.();
    },
    atRest() {
      for (const theme of themes) theme.atRest?.();
    },
  }];
}

function isFaultless({ faults, incidents, controllers }: Scenario): boolean {
  return incidents.length === 0 && Object.values(faults).every((rate) => rate === 0) && controllers === 1;
}

/** For how long a controller may not know of a change, at most. */
function lagMs(scenario: Scenario): number {
  if (isFaultless(scenario)) return LAG_MS;
  return scenario.incidents.reduce((sum, incident) => sum + ("forMs" in incident ? incident.forMs : 0), FAULTY_LAG_MS);
}

/** Seconds are cut off, and clocks may be set. */
function clockErrorMs({ incidents }: Scenario): number {
  return incidents.reduce(
    (sum, incident) => sum + (incident.kind === "clockStep" ? Math.abs(incident.byMs) : 0),
    1_000,
  );
}
