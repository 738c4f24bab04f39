import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import type { PlanInput } from "./types.ts";

/** The parts of a plan's input that only a running controller knows, empty: for rendering and for tests. */
export function nothingKnown(): Pick<
  PlanInput,
  "claims" | "succeededAndGone" | "inFlight" | "outdated" | "gates" | "priorities" | "pods"
> {
  return {
    claims: new Set(),
    succeededAndGone: new Map(),
    inFlight: {
      creates: new Set(),
      refused: new Set(),
      deletes: new Set(),
      patches: new Set(),
      resumes: new Set(),
      scales: new Map(),
      service: false,
      claims: new Set(),
      jobSetDelete: false,
    },
    outdated: new Set(),
    gates: DEFAULT_FEATURE_GATES,
    priorities: undefined,
    pods: undefined,
  };
}
