/** How a container is run as a process without a network or file system of its own. Pure. */
import { basename } from "node:path";
import { asArray, asInteger, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";

/** Where a probe asks, and how long it may take to be answered well. */
export interface Probe {
  readonly path: string;
  /** A port of this machine. */
  readonly port: number;
  readonly delayMs: number;
  readonly periodMs: number;
  /** After so long without a good answer it has failed. */
  readonly patienceMs: number;
}

export interface ProcessPlan {
  readonly command: readonly string[];
  /** The name that our executable is called by. */
  readonly argv0: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly startup: Probe | undefined;
  readonly readiness: Probe | undefined;
}

export interface ProcessSurroundings {
  /** Our executable, which is the entry point of our image. */
  readonly binary: string;
  readonly podIp: string;
  /** A free port of this machine for a port of the container. */
  readonly portOf: (containerPort: number) => number;
  readonly env: Readonly<Record<string, string>>;
}

/** The names that our executable answers to. */
const OWN_NAMES = ["jobset", "in-place-restart-agent"];
const PROBE_PORT = "STARTUP_PROBE_PORT";

/** Whether a container is of our own image (any tag or digest, in any registry) or, of another one, runs our executable. */
export function isOurs(container: JsonObject): boolean {
  const [first = ""] = asArray(container["command"]);
  return (asString(container["image"]) ?? "").includes("jobset-lite") ||
    OWN_NAMES.includes(basename(asString(first) ?? ""));
}

/**
 * Command, environment and probes of a container. All Pods share this machine's ports, so a port that is probed becomes a free
 * one, and so does the value of each variable that names it (STARTUP_PROBE_PORT is set where no variable does).
 */
export function planProcess(pod: JsonObject, container: JsonObject, around: ProcessSurroundings): ProcessPlan {
  const probes = [container["startupProbe"], container["readinessProbe"]];
  const ports = new Map<number, number>();
  for (const probe of probes) {
    const port = probePort(container, probe);
    if (port !== undefined && !ports.has(port)) ports.set(port, around.portOf(port));
  }
  const env = { ...around.env, ...containerEnv(pod, container, around.podIp) };
  const startupPort = probePort(container, container["startupProbe"]);
  if (startupPort !== undefined) env[PROBE_PORT] ??= String(startupPort);
  for (const [name, value] of Object.entries(env)) env[name] = String(ports.get(Number(value)) ?? value);

  const texts = (field: string) => asArray(container[field]).map((text) => expand(asString(text) ?? "", env));
  const [first = around.binary, ...rest] = texts("command");
  const isOwn = OWN_NAMES.includes(basename(first));
  const read = (probe: unknown) => readProbe(container, probe, ports);
  return {
    command: [isOwn ? around.binary : first, ...rest, ...texts("args")],
    argv0: isOwn ? basename(first) : undefined,
    env,
    startup: read(container["startupProbe"]),
    readiness: read(container["readinessProbe"]),
  };
}

function containerEnv(pod: JsonObject, container: JsonObject, podIp: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const entry of asArray(container["env"])) {
    const name = asString(at(entry, "name")) ?? "";
    const fieldPath = asString(at(entry, "valueFrom", "fieldRef", "fieldPath"));
    if (fieldPath !== undefined) env[name] = fieldValue(pod, fieldPath, podIp);
    else if (at(entry, "valueFrom") === undefined) env[name] = expand(asString(at(entry, "value")) ?? "", env);
    else {throw new Error(
        `run container "${asString(container["name"])}": variable "${name}" is of a kind that is not played`,
      );}
  }
  return env;
}

/** The downward API: fields, labels and annotations of the Pod. */
function fieldValue(pod: JsonObject, path: string, podIp: string): string {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (map !== undefined && key !== undefined) return asStringMap(at(pod, "metadata", map))[key] ?? "";
  if (path === "status.podIP") return podIp;
  return asString(at(pod, ...path.split("."))) ?? "";
}

/** `$(NAME)` becomes the variable's value where there is one; `$$(NAME)` is `$(NAME)`. */
function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]+)\)/g, (whole, name) => whole === "$$" ? "$" : env[String(name)] ?? whole);
}

/** The container's port that a probe asks; named ports are looked up. */
function probePort(container: JsonObject, probe: unknown): number | undefined {
  const port = at(probe, "httpGet", "port");
  if (typeof port !== "string") return asInteger(port);
  const named = asArray(container["ports"]).find((entry) => at(entry, "name") === port);
  return asInteger(at(named, "containerPort"));
}

function readProbe(container: JsonObject, probe: unknown, ports: ReadonlyMap<number, number>): Probe | undefined {
  const port = ports.get(probePort(container, probe) ?? 0);
  if (port === undefined) return undefined;
  const seconds = (field: string, otherwise: number) => (asInteger(at(probe, field)) ?? otherwise) * 1000;
  const periodMs = seconds("periodSeconds", 10);
  return {
    path: asString(at(probe, "httpGet", "path")) ?? "/",
    port,
    delayMs: seconds("initialDelaySeconds", 0),
    periodMs,
    patienceMs: periodMs * (asInteger(at(probe, "failureThreshold")) ?? 3),
  };
}
