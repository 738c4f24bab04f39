/** The feature gates (spec 6.1). */
export type FeatureGate =
  | "InPlaceRestart"
  | "RestartJob"
  | "ElasticJobSet"
  | "ExecutionAttemptsTracking"
  | "MutablePodResourcesForSuspendedJobSets"
  | "TLSOptions";

export type FeatureGates = Readonly<Record<FeatureGate, boolean>>;

export type FeatureStage = "Alpha" | "Beta" | "GA";

export interface FeatureGateSpec {
  readonly stage: FeatureStage;
  readonly default: boolean;
  /** Setting it to anything but its default is refused. */
  readonly isLocked: boolean;
}

const ALPHA: FeatureGateSpec = { stage: "Alpha", default: false, isLocked: false };

/** Every gate with its stage and default, in the order of their names. */
export const FEATURE_GATES: Readonly<Record<FeatureGate, FeatureGateSpec>> = {
  ElasticJobSet: ALPHA,
  ExecutionAttemptsTracking: ALPHA,
  InPlaceRestart: ALPHA,
  MutablePodResourcesForSuspendedJobSets: ALPHA,
  RestartJob: ALPHA,
  TLSOptions: { stage: "GA", default: true, isLocked: true },
};

export const FEATURE_GATE_NAMES = Object.keys(FEATURE_GATES) as readonly FeatureGate[];

export const DEFAULT_FEATURE_GATES: FeatureGates = gatesWhere((gate) => FEATURE_GATES[gate].default);

/** The gates that set all of one stage, but for those that are named themselves; as in Kubernetes. */
const WHOLE_STAGES: Readonly<Record<string, FeatureStage>> = { AllAlpha: "Alpha", AllBeta: "Beta" };

/** The gates that result from those that were asked for. They must have passed `featureGateProblem`. */
export function featureGates(asked: Readonly<Record<string, boolean>>): FeatureGates {
  const ofStage: Partial<Record<FeatureStage, boolean>> = {};
  for (const [name, stage] of Object.entries(WHOLE_STAGES)) {
    const isOn = asked[name];
    if (isOn !== undefined) ofStage[stage] = isOn;
  }
  return gatesWhere((gate) => {
    const { stage, default: byDefault } = FEATURE_GATES[gate];
    return asked[gate] ?? ofStage[stage] ?? byDefault;
  });
}

/** Why a gate can't be set so, in the words of Kubernetes components, or undefined. */
export function featureGateProblem(name: string, value: boolean): string | undefined {
  if (Object.hasOwn(WHOLE_STAGES, name)) return undefined;
  if (!isFeatureGate(name)) return `unrecognized feature gate: ${name}`;
  const { isLocked, default: byDefault } = FEATURE_GATES[name];
  if (!isLocked || value === byDefault) return undefined;
  return `cannot set feature gate ${name} to ${value}, feature is locked to ${byDefault}`;
}

function isFeatureGate(name: string): name is FeatureGate {
  return Object.hasOwn(FEATURE_GATES, name);
}

function gatesWhere(isOn: (gate: FeatureGate) => boolean): FeatureGates {
  return {
    InPlaceRestart: isOn("InPlaceRestart"),
    RestartJob: isOn("RestartJob"),
    ElasticJobSet: isOn("ElasticJobSet"),
    ExecutionAttemptsTracking: isOn("ExecutionAttemptsTracking"),
    MutablePodResourcesForSuspendedJobSets: isOn("MutablePodResourcesForSuspendedJobSets"),
    TLSOptions: isOn("TLSOptions"),
  };
}
