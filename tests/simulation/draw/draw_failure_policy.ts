import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import type { Random } from "../../../src/base/random.ts";
import { between, chance, pick } from "../actors/chance.ts";

export interface FailureDraw {
  readonly policy: JsonObject | undefined;
  /** Whether the restarts are limited, so that Jobs may fail in every attempt. */
  readonly isLimited: boolean;
}

const ACTIONS = ["RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts", "FailJobSet"] as const;
const JOB_ACTIONS = ["RestartJob", "RestartJobAndIgnoreMaxRestarts"] as const;
const REASONS = ["BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy"] as const;
const PATTERNS = ["backoff limit", "^Job was active", "exit code 4[0-9]", "driver"] as const;

/** The failure policy of a JobSet with these replicatedJobs; none in one of five. */
export function drawFailurePolicy(
  random: Random,
  replicatedJobs: readonly string[],
  gates: Partial<FeatureGates>,
): FailureDraw {
  if (chance(random, 0.2)) return { policy: undefined, isLimited: true };
  const rules = Array.from(
    { length: pick(random, gates.RestartJob === true ? [0, 1, 1, 2] : [0, 0, 1, 1, 2, 3]) },
    (_, index) => drawRule(random, { index, replicatedJobs, gates }),
  );
  const strategy = pick(random, [undefined, "Recreate", "BlockingRecreate"]);
  return {
    policy: {
      maxRestarts: pick(random, [0, 1, 2, 3, 3, 5]),
      ...(strategy === undefined ? {} : { restartStrategy: strategy }),
      ...(rules.length > 0 ? { rules } : {}),
    },
    isLimited: rules.every(({ action }) => !String(action).endsWith("IgnoreMaxRestarts")),
  };
}

function drawRule(
  random: Random,
  { index, replicatedJobs, gates }: {
    readonly index: number;
    readonly replicatedJobs: readonly string[];
    readonly gates: Partial<FeatureGates>;
  },
): JsonObject {
  const ofJob = gates.RestartJob === true && chance(random, 0.7);
  const reasons = chance(random, 0.4)
    ? [pick(random, REASONS), "BackoffLimitExceeded"].slice(0, between(random, 1, 2))
    : [];
  const targets = replicatedJobs.filter(() => chance(random, 0.3));
  return {
    name: `rule${index}`,
    action: ofJob ? pick(random, JOB_ACTIONS) : pick(random, ACTIONS),
    ...(reasons.length > 0 ? { onJobFailureReasons: reasons } : {}),
    ...(chance(random, 0.15) ? { onJobFailureMessagePatterns: [pick(random, PATTERNS)] } : {}),
    ...(targets.length > 0 ? { targetReplicatedJobs: targets } : {}),
  };
}
