/** How long a JobSet may wait for its next plan (design: planning takes 4 % of a core, so that with N Jobs it is not done N times). */
import type { Plan } from "../plan/types.ts";

const REST_FACTOR = 25;
const MAX_REST_MS = 50;
const BACKLOG_REST_MS = 100;
/** Spec 5: workers stand still until the plan is made that tells them to go on, and it costs one look at each Pod. */
const IN_PLACE_REST = { factor: 4, maxMs: 10 };

/**
 * While requests queue up a plan could start none of its own sooner: the longest rest. Where the next step waits for what this
 * plan has just done (the status of a restart, the Service and the claims of the Jobs) there is none.
 */
export function restMs(
  { decision, planMs, isInPlace, hasBacklog }: {
    decision: Plan;
    planMs: number;
    isInPlace: boolean;
    hasBacklog: boolean;
  },
): number {
  if (hasBacklog) return BACKLOG_REST_MS;
  const { status, service, claims } = decision;
  if (status?.onlyCounters === false || service !== undefined || claims.length > 0) return 0;
  if (isInPlace) return Math.min(planMs * IN_PLACE_REST.factor, IN_PLACE_REST.maxMs);
  return Math.min(planMs * REST_FACTOR, MAX_REST_MS);
}
