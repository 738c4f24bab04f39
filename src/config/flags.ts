import { parseBindAddress } from "../base/bind_address.ts";
import { type ControllerSettings, DEFAULT_SETTINGS, DEFAULT_SETTINGS_OUTSIDE } from "./settings.ts";
import { UsageError } from "./usage_error.ts";

/** The flags of `jobset controller` as they were typed, by name without dashes; absent where not given. */
export type ControllerFlags = Readonly<Record<string, string | undefined>>;

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** V(n) of the named levels; a number stands for itself. */
const LOG_LEVELS: Readonly<Record<string, number>> = { error: -1, info: 0, debug: 1 };

/** Reads the flags; an empty value or 0 counts as absent (spec 6.1). Throws a UsageError that names the flag. */
export function settingsFromFlags(flags: ControllerFlags): ControllerSettings {
  return {
    ...DEFAULT_SETTINGS_OUTSIDE,
    kubeconfig: text(flags["kubeconfig"]),
    context: text(flags["context"]),
    namespace: namespace(text(flags["namespace"])),
    kubeApiQps: positive("kube-api-qps", flags["kube-api-qps"]) ?? DEFAULT_SETTINGS.kubeApiQps,
    kubeApiBurst: wholePositive("kube-api-burst", flags["kube-api-burst"]) ?? DEFAULT_SETTINGS.kubeApiBurst,
    logVerbosity: logLevel(text(flags["zap-log-level"])) ?? DEFAULT_SETTINGS.logVerbosity,
    health: {
      ...DEFAULT_SETTINGS.health,
      bindAddress: address("health-probe-bind-address", text(flags["health-probe-bind-address"])) ??
        DEFAULT_SETTINGS.health.bindAddress,
    },
  };
}

function text(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function namespace(value: string | undefined): string | undefined {
  if (value === undefined || DNS_LABEL.test(value)) return value;
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

function refused(flag: string, value: string, why: string): UsageError {
  return new UsageError(`--${flag}: "${value}" is ${why}`);
}
