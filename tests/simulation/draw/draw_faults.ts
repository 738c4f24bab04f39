/** What goes wrong in a run, drawn from a random source: in some runs nothing, in some nearly everything. */
import type { Random } from "../../../src/base/random.ts";
import type { FaultRates, Incident, Scenario } from "../types.ts";

export const NO_FAULTS: FaultRates = {
  lostRequest: 0,
  strayRequest: 0,
  lostAnswer: 0,
  conflict: 0,
  tooManyRequests: 0,
  serverError: 0,
  unavailable: 0,
  slow: 0,
  lateLine: 0,
  repeatedLine: 0,
  cutLine: 0,
  brokenLine: 0,
  silence: 0,
  gone: 0,
  lostLine: 0,
  swappedLine: 0,
};

/** The most that a rate is drawn to: beyond it nothing would be done any more. */
const WORST: FaultRates = {
  lostRequest: 0.1,
  strayRequest: 0.1,
  lostAnswer: 0.15,
  conflict: 0.3,
  tooManyRequests: 0.2,
  serverError: 0.2,
  unavailable: 0.2,
  slow: 0.3,
  lateLine: 0.3,
  repeatedLine: 0.3,
  cutLine: 0.1,
  brokenLine: 0.05,
  silence: 0.01,
  gone: 0.3,
  lostLine: 0,
  swappedLine: 0,
};

/** What no API server does, in a few runs: the controller must do no harm on what it then believes. */
const BROKEN: Partial<FaultRates> = { lostLine: 0.03, swappedLine: 0.1 };
const BROKEN_RUNS = 0.05;

const KINDS: readonly Incident["kind"][] = [
  "kill",
  "kill",
  "restart",
  "killAtRequest",
  "killAtRequest",
  "killAtRequest",
  "pause",
  "cutStreams",
  "compact",
  "outage",
  "clockStep",
];
const MAX_INCIDENTS = 12;

/** Faults until `calmAtMs`. */
export function drawFaults(
  random: Random,
  calmAtMs: number,
): Pick<Scenario, "controllers" | "faults" | "incidents"> {
  const severity = random.next();
  const controllers = random.next() < 0.35 ? 2 : 1;
  if (severity < 0.15) return { controllers, faults: NO_FAULTS, incidents: [] };
  const share = severity < 0.6 ? 0.25 : 0.7;
  const isBroken = random.next() < BROKEN_RUNS;
  return {
    controllers,
    faults: { ...drawRates(random, share), ...(isBroken ? BROKEN : {}) },
    incidents: drawIncidents(random, { calmAtMs, share, controllers }),
  };
}

/** Each kind of fault is there with this probability, and then as often as chance has it. */
function drawRates(random: Random, share: number): FaultRates {
  const rates = Object.entries(WORST).map(([kind, worst]) => {
    const isThere = random.next() < share;
    const rate = worst * random.next() ** 2;
    return [kind, isThere ? Number(rate.toPrecision(3)) : 0];
  });
  return { ...NO_FAULTS, ...Object.fromEntries(rates) };
}

function drawIncidents(
  random: Random,
  { calmAtMs, share, controllers }: { calmAtMs: number; share: number; controllers: number },
): readonly Incident[] {
  const count = Math.floor(random.next() * share * MAX_INCIDENTS);
  const incidents = Array.from({ length: count }, () => drawIncident(random, calmAtMs, controllers));
  return incidents.sort((one, other) => one.atMs - other.atMs);
}

function drawIncident(random: Random, calmAtMs: number, controllers: number): Incident {
  const kind = KINDS[Math.floor(random.next() * KINDS.length)] ?? "kill";
  const atMs = Math.floor(random.next() * calmAtMs);
  const controller = Math.floor(random.next() * controllers);
  const size = random.next();
  switch (kind) {
    case "kill":
    case "restart":
      return { atMs, kind, controller };
    case "killAtRequest":
      return { atMs, kind, controller, nth: 1 + Math.floor(size * 12) };
    case "pause":
      return { atMs, kind, controller, forMs: Math.floor(size ** 2 * 40_000) };
    case "outage":
      return { atMs, kind, forMs: Math.floor(size ** 3 * 30_000) };
    case "clockStep":
      return { atMs, kind, controller, byMs: Math.floor((size - 0.5) * 7_200_000) };
    case "cutStreams":
    case "compact":
      return { atMs, kind };
  }
}
