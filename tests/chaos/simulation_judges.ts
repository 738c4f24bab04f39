/** The simulation's judges over what a real control plane has stored. */
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { NO_FAULTS } from "../simulation/draw/draw_faults.ts";
import { createJudges } from "../simulation/judges/create_judges.ts";
import type { Judge, ResourceName, Scenario, SimulatedServer } from "../simulation/types.ts";
import type { Frame } from "./frame.ts";
import { isDeleting, uidOf, writeOf } from "./write_of.ts";

export interface SimulationJudgesOptions {
  readonly report: (invariant: string, detail: string) => void;
  readonly isDeletedByHand: (uid: string) => boolean;
  /** What must be added to a frame's `atMs` for milliseconds since 1970. */
  readonly originMs: number;
}

/** They look into the processes, which are none of the simulation's here. */
const NOT_HERE: readonly string[] = ["bounded", "one leader"];
/** As clocks jump here, at most. */
const CLOCK_ERROR_MS = 7_200_000;

/** What the judges ask of it: two replicas, everything may fail, clocks jump, all gates as they are by default. */
const SCENARIO: Scenario = {
  seed: 0,
  gates: {},
  controllers: 2,
  hasWebhooks: true,
  jobSets: [],
  operations: [],
  faults: NO_FAULTS,
  incidents: [{ atMs: 0, kind: "clockStep", controller: 1, byMs: CLOCK_ERROR_MS }],
  calmAtMs: 0,
};

export class SimulationJudges {
  readonly #options: SimulationJudgesOptions;
  readonly #stored = new Map<string, { readonly resource: ResourceName; readonly object: JsonObject }>();
  readonly #judges: readonly Judge[];
  #services: readonly JsonObject[] = [];
  #nowMs = 0;

  constructor(options: SimulationJudgesOptions) {
    this.#options = options;
    const report = (invariant: string, detail: string) => {
      if (!NOT_HERE.includes(invariant)) options.report(invariant, detail);
    };
    this.#judges = createJudges({
      server: this.#server(),
      random: { next: () => 0 },
      now: () => this.#nowMs,
      elapsed: () => this.#nowMs,
      after: refuse,
      scenario: SCENARIO,
      processes: [],
      steps: 0,
      isCalm: false,
    }, report);
  }

  onFrame(frame: Frame): void {
    this.#nowMs = this.#options.originMs + frame.atMs;
    const uid = uidOf(frame.object);
    const owner = asString(at(asArray(at(frame.object, "metadata", "ownerReferences"))[0], "uid")) ?? "";
    const ownerObject = this.#stored.get(owner)?.object;
    const write = writeOf(frame, {
      before: this.#stored.get(uid)?.object,
      isDeletedByHand: this.#options.isDeletedByHand,
      hasOwner: ownerObject !== undefined && !isDeleting(ownerObject),
    });
    if (write.after === undefined) this.#stored.delete(uid);
    else this.#stored.set(uid, { resource: write.resource, object: write.after });
    for (const judge of this.#judges) judge.onWrite(write);
  }

  /** Everything has come to rest; these Services are there. */
  atRest(nowMs: number, services: readonly JsonObject[]): void {
    this.#nowMs = nowMs;
    this.#services = services;
    for (const judge of this.#judges) judge.atRest();
  }

  #server(): SimulatedServer {
    const all = (resource: ResourceName) =>
      resource === "services"
        ? this.#services
        : [...this.#stored.values()].filter((entry) => entry.resource === resource).map(({ object }) => object);
    return {
      handle: refuse,
      watch: refuse,
      create: refuse,
      update: refuse,
      remove: refuse,
      onWrite: refuse,
      compact: refuse,
      resourceVersion: 0,
      get: (resource, { namespace, name }) =>
        all(resource).find((object) =>
          at(object, "metadata", "name") === name && at(object, "metadata", "namespace") === namespace
        ),
      all,
      count: (resource) => all(resource).length,
      // Pods are not recorded.
      ownedBy: () => [],
      hasUid: (uid) => this.#stored.has(uid),
    };
  }
}

function refuse(): never {
  throw new Error("judges only look");
}
