import { featureGateProblem } from "../api/feature_gates.ts";
import { parseBindAddress } from "../base/bind_address.ts";
import { isDns1123Label } from "./names.ts";
import { UsageError } from "./usage_error.ts";

/** The flags of `jobset controller` as they were typed, by name without dashes; absent where not given. */
export type ControllerFlags = Readonly<Record<string, string | undefined>>;

/** What the flags say; undefined where one was not given. */
export interface FlagValues {
  readonly config: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string | undefined;
  readonly kubeApiQps: number | undefined;
  readonly kubeApiBurst: number | undefined;
  readonly logVerbosity: number | undefined;
  readonly healthBindAddress: string | undefined;
  readonly metricsBindAddress: string | undefined;
  readonly leaderElect: boolean | undefined;
  readonly featureGates: Readonly<Record<string, boolean>>;
}

/** V(n) of the named levels; a number stands for itself. */
const LOG_LEVELS: Readonly<Record<string, number>> = { error: -1, info: 0, debug: 1 };

/** The words of Go's strconv.ParseBool. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, false] as const),
]);

/** Reads the flags; an empty value or 0 counts as absent (spec 6.1). Throws a UsageError that names the flag. */
export function readFlags(flags: ControllerFlags): FlagValues {
  return {
    config: text(flags["config"]),
    kubeconfig: text(flags["kubeconfig"]),
    context: text(flags["context"]),
    namespace: namespace(text(flags["namespace"])),
    kubeApiQps: positive("kube-api-qps", flags["kube-api-qps"]),
    kubeApiBurst: wholePositive("kube-api-burst", flags["kube-api-burst"]),
    logVerbosity: logLevel(text(flags["zap-log-level"])),
    healthBindAddress: address("health-probe-bind-address", text(flags["health-probe-bind-address"])),
    metricsBindAddress: address("metrics-bind-address", text(flags["metrics-bind-address"])),
    leaderElect: yesOrNo("leader-elect", text(flags["leader-elect"])),
    featureGates: gates(text(flags["feature-gates"]) ?? ""),
  };
}

function text(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function namespace(value: string | undefined): string | undefined {
  if (value === undefined || isDns1123Label(value)) return value;
  throw refused("namespace", value, "not the name of a namespace");
}

function positive(flag: string, value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (!/^\d+(\.\d+)?$/.test(value)) throw refused(flag, value, "not a positive number");
  return Number(value) === 0 ? undefined : Number(value);
}

function wholePositive(flag: string, value: string | undefined): number | undefined {
  const number = positive(flag, value);
  if (number !== undefined && !Number.isSafeInteger(number)) throw refused(flag, value ?? "", "not a whole number");
  return number;
}

function logLevel(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const level = LOG_LEVELS[value.toLowerCase()] ?? (/^\d{1,3}$/.test(value) ? Number(value) : undefined);
  if (level === undefined) throw refused("zap-log-level", value, "none of debug, info, error and no number from 0");
  return level;
}

function address(flag: string, value: string | undefined): string | undefined {
  if (value === undefined || parseBindAddress(value) !== undefined) return value;
  throw refused(flag, value, 'not an address such as ":8081" or "127.0.0.1:8081"; "0" turns it off');
}

function yesOrNo(flag: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  const isOn = BOOLEANS.get(value);
  if (isOn === undefined) throw refused(flag, value, "neither true nor false");
  return isOn;
}

/** `A=true,B=false`; of a gate that is named twice the last counts, as in Kubernetes. */
function gates(value: string): Readonly<Record<string, boolean>> {
  const asked: Record<string, boolean> = {};
  for (const pair of value.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const [, name = "", word] = /^([^=]*?)\s*(?:=\s*(.*))?$/.exec(pair) ?? [];
    const isOn = BOOLEANS.get(word ?? "");
    if (word === undefined) throw refused("feature-gates", pair, `lacking a value: ${name}=true or ${name}=false`);
    if (isOn === undefined) throw refused("feature-gates", pair, "neither true nor false");
    const problem = featureGateProblem(name, isOn);
    if (problem !== undefined) throw new UsageError(`--feature-gates: ${problem}`);
    asked[name] = isOn;
  }
  return asked;
}

function refused(flag: string, value: string, why: string): UsageError {
  return new UsageError(`--${flag}: "${value}" is ${why}`);
}
