/** What the configuration file may say (spec 6.1). Loaded only with such a file. */
import { isIPv6 } from "node:net";
import * as v from "valibot";
import { featureGateProblem } from "../api/feature_gates.ts";
import { parseBindAddress } from "../base/bind_address.ts";
import { parseDuration } from "../base/duration.ts";
import { asObject, type JsonObject } from "../base/json.ts";
import { isCipherSuite } from "./cipher_suites.ts";
import { closest } from "./closest.ts";
import { isDns1123Label, isDns1123Subdomain } from "./names.ts";

/** What is wrong with a value, or undefined. */
type Check<T> = (value: T) => string | undefined;

export const FileSchema = section({
  apiVersion: text(only("config.jobset.x-k8s.io/v1alpha1")),
  kind: text(only("Configuration")),
  webhook: section({ port: whole(port), host: text(host), certDir: text() }),
  leaderElection: section({
    leaderElect: flag(),
    leaseDuration: duration(),
    renewDeadline: duration(),
    retryPeriod: duration(),
    resourceLock: text(only("leases")),
    resourceName: text(subdomain),
    resourceNamespace: text((value) => isDns1123Label(value) ? undefined : `"${value}" is not the name of a namespace`),
  }),
  metrics: section({ bindAddress: text(bindAddress), certDir: text() }),
  health: section({
    healthProbeBindAddress: text(bindAddress),
    readinessEndpointName: text(endpoint),
    livenessEndpointName: text(endpoint),
  }),
  internalCertManagement: section({ enable: flag(), webhookServiceName: text(), webhookSecretName: text() }),
  clientConnection: section({
    qps: number((value) => value > 0 ? undefined : `must be greater than 0, not ${value}`),
    burst: whole((value) => value > 0 ? undefined : `must be greater than 0, not ${value}`),
  }),
  tls: section({ minVersion: text(tlsVersion), cipherSuites: cipherSuites() }),
  featureGates: gates(),
});

export type FileValues = v.InferOutput<typeof FileSchema>;

/** An object of these fields and no others; every unknown one is told, not only the first. */
function section<E extends v.ObjectEntries>(entries: E) {
  const known = Object.keys(entries);
  return optional(v.pipe(
    mapping(),
    v.looseObject(entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const input = asObject(dataset.value) ?? {};
      for (const key of Object.keys(input).filter((name) => !known.includes(name))) {
        const meant = closest(key, known);
        const message = `unknown field${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
        addIssue({ message, path: [{ type: "object", origin: "key", input, key, value: input[key] }] });
      }
    }),
    // What has passed holds these fields alone.
    v.transform((value): v.InferOutput<v.ObjectSchema<E, undefined>> => value),
  ));
}

/** For valibot a list is an object too. */
function mapping() {
  return v.custom<JsonObject>((value) => asObject(value) !== undefined, wrongType("a mapping"));
}

function text(check?: Check<string>) {
  return field(v.string(wrongType("a string")), (value) => value === "", check);
}

function flag() {
  return field(v.boolean(wrongType("true or false")), () => false);
}

function number(check: Check<number>) {
  return field(v.pipe(v.number(wrongType("a number")), v.finite("must be a number")), (value) => value === 0, check);
}

function whole(check: Check<number>) {
  const type = v.pipe(v.number(wrongType("a whole number")), v.safeInteger(wrongType("a whole number")));
  return field(type, (value) => value === 0, check);
}

/** Go writes durations as strings; a bare 0 is the zero value of anything. The output is in milliseconds. */
function duration() {
  const example = 'a duration such as "15s" or "1m30s"';
  const type = v.union([v.string(), v.literal(0)], wrongType(example));
  return v.optional(v.pipe(
    v.nullable(type),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      if (value === null || value === "" || value === 0) return undefined;
      const ms = parseDuration(value);
      if (ms !== undefined && ms >= 0) return ms === 0 ? undefined : ms;
      addIssue({ message: ms === undefined ? `must be ${example}, not "${value}"` : `"${value}" is negative` });
      return NEVER;
    }),
  ));
}

function cipherSuites() {
  const suite = v.pipe(
    v.string(wrongType("a string")),
    v.check(isCipherSuite, (issue) => `unknown cipher suite "${issue.input}": give IANA names`),
  );
  return optional(v.array(suite, wrongType("a list of names")));
}

/** An unknown gate or one that is locked is told by its own name, so each is checked with its key. */
function gates() {
  return optional(v.pipe(
    mapping(),
    v.rawTransform(({ dataset: { value }, addIssue }) => {
      const asked: Record<string, boolean> = {};
      for (const [name, isOn] of Object.entries(value)) {
        if (isOn === null) continue;
        const isBoolean = typeof isOn === "boolean";
        const message = isBoolean ? featureGateProblem(name, isOn) : `must be true or false, not ${shown(isOn)}`;
        if (isBoolean && message === undefined) asked[name] = isOn;
        if (message === undefined) continue;
        addIssue({ message, path: [{ type: "object", origin: "key", input: { ...value }, key: name, value: isOn }] });
      }
      return asked;
    }),
  ));
}

/** A value that may be left out; its zero value counts as absent. */
function field<T>(type: v.GenericSchema<T>, isZero: (value: T) => boolean, check: Check<T> = () => undefined) {
  return v.optional(v.pipe(
    v.nullable(type),
    v.transform((value) => value === null || isZero(value) ? undefined : value),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed && dataset.value !== undefined ? check(dataset.value) : undefined;
      if (message !== undefined) addIssue({ message });
    }),
  ));
}

function optional<T, O>(type: v.GenericSchema<T, O>) {
  return v.optional(v.pipe(v.nullable(type), v.transform((value) => value ?? undefined)));
}

function wrongType(wanted: string): (issue: { readonly input: unknown }) => string {
  return ({ input }) => `must be ${wanted}, not ${shown(input)}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

function only(wanted: string): Check<string> {
  return (value) => value === wanted ? undefined : `must be "${wanted}", not "${value}"`;
}

function port(value: number): string | undefined {
  return value >= 1 && value <= 65_535 ? undefined : `${value} is not a port: 1 to 65535`;
}

function host(value: string): string | undefined {
  const isHost = value.includes(":") ? isIPv6(value) : parseBindAddress(`${value}:1`) !== undefined;
  return isHost ? undefined : `"${value}" is neither a name nor an IP address (the port has a field of its own)`;
}

function bindAddress(value: string): string | undefined {
  if (parseBindAddress(value) !== undefined) return undefined;
  return `"${value}" is not an address such as ":8081" or "127.0.0.1:8081"; "0" turns it off`;
}

function endpoint(value: string): string | undefined {
  return /^\/*[\w.~-]+(?:\/[\w.~-]+)*$/.test(value) ? undefined : `"${value}" is not a path such as "readyz"`;
}

function subdomain(value: string): string | undefined {
  return isDns1123Subdomain(value) ? undefined : `"${value}" is not the name of an object: a DNS-1123 subdomain`;
}

function tlsVersion(value: string): string | undefined {
  if (value === "VersionTLS12" || value === "VersionTLS13") return undefined;
  return `${value} is not supported. Please use VersionTLS12 or VersionTLS13`;
}
