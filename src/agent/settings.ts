type Environment = Readonly<Record<string, string | undefined>>;

/** How the barrier stands before the work (spec 5.2). */
export type BarrierSettings =
  | { readonly kind: "worker"; readonly command: string; readonly shell: string }
  | { readonly kind: "probe"; readonly path: string; readonly port: number };

export interface AgentSettings {
  readonly namespace: string;
  readonly jobSetName: string;
  readonly podName: string;
  readonly restartExitCode: number;
  readonly barrier: BarrierSettings;
}

export interface SettingsSources {
  readonly env: Environment;
  /** A file's text; undefined where there is no such file. */
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** The path of an executable; null where there is none. */
  readonly which: (name: string) => string | null;
}

/** Settings that are missing or contradict each other, all of them on one line. */
export class AgentSettingsError extends Error {
  override readonly name = "AgentSettingsError";
}

const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";
const DEFAULT_PATH = "/barrier-is-down";
const DEFAULT_PORT = 8081;
const DEFAULT_EXIT_CODE = 1;
const SHELLS = ["bash", "sh"];
const NAME_ENDS = "abcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS = "0123456789";
const PROBE_SETTINGS = ["STARTUP_PROBE_PATH", "STARTUP_PROBE_PORT"];

/** Reads the environment of `jobset agent`; what is set to nothing is not set. Throws an AgentSettingsError. */
export async function readAgentSettings({ env, readFile, which }: SettingsSources): Promise<AgentSettings> {
  const problems: string[] = [];
  const settings = {
    jobSetName: readName(env, "JOBSET_NAME", problems),
    podName: readName(env, "POD_NAME", problems),
    barrier: readBarrier(env, which, problems),
    restartExitCode: readExitCode(env, problems),
    namespace: await readNamespace(env, readFile, problems),
  };
  if (problems.length > 0) throw new AgentSettingsError(problems.join("; "));
  return settings;
}

function readName(env: Environment, variable: string, problems: string[]): string {
  const value = env[variable] ?? "";
  if (value === "") problems.push(`${variable} is not set`);
  else if (!isObjectName(value)) problems.push(`${variable} ${JSON.stringify(value)} is no name of an object`);
  return value;
}

function readBarrier(env: Environment, which: SettingsSources["which"], problems: string[]): BarrierSettings {
  const command = env["WORKER_COMMAND"];
  if (!command) return readProbe(env, problems);
  const both = PROBE_SETTINGS.filter((name) => env[name]);
  if (both.length > 0) {
    problems.push(
      `WORKER_COMMAND and ${both.join(" and ")} are set: set the one in the main container, the other in a sidecar`,
    );
  }
  const candidates = [...(env["SHELL"] ? [env["SHELL"]] : []), ...SHELLS];
  const shell = candidates.map(which).find((path) => path !== null);
  if (shell === undefined || shell === null) {
    problems.push(`WORKER_COMMAND is set, but none of ${candidates.join(", ")} is there to run it`);
  }
  return { kind: "worker", command, shell: shell ?? "" };
}

function readProbe(env: Environment, problems: string[]): BarrierSettings {
  const path = env["STARTUP_PROBE_PATH"] || DEFAULT_PATH;
  const portText = env["STARTUP_PROBE_PORT"] || String(DEFAULT_PORT);
  const port = readInteger(portText, 1, 65_535);
  if (!path.startsWith("/")) problems.push(`STARTUP_PROBE_PATH ${JSON.stringify(path)} does not begin with a slash`);
  if (port === undefined) {
    problems.push(`STARTUP_PROBE_PORT ${JSON.stringify(portText)} is no port: a number from 1 to 65535`);
  }
  return { kind: "probe", path, port: port ?? DEFAULT_PORT };
}

function readExitCode(env: Environment, problems: string[]): number {
  const text = env["IN_PLACE_RESTART_EXIT_CODE"] || String(DEFAULT_EXIT_CODE);
  const code = readInteger(text, 0, 255);
  if (code === undefined) {
    problems.push(`IN_PLACE_RESTART_EXIT_CODE ${JSON.stringify(text)} is no exit code: an integer from 0 to 255`);
  } else if (code === 0 && env["WORKER_COMMAND"]) {
    problems.push(
      "IN_PLACE_RESTART_EXIT_CODE is 0 and WORKER_COMMAND is set: a worker that is to restart would count as one that has succeeded",
    );
  }
  return code ?? DEFAULT_EXIT_CODE;
}

async function readNamespace(
  env: Environment,
  readFile: SettingsSources["readFile"],
  problems: string[],
): Promise<string> {
  const file = `${env["JOBSET_SERVICE_ACCOUNT_DIR"] || SERVICE_ACCOUNT_DIR}/namespace`;
  const namespace = (await readFile(file))?.trim() ?? "";
  if (namespace === "") {
    problems.push(
      `${file} names no namespace: run it in a Pod with a service account token, or set JOBSET_SERVICE_ACCOUNT_DIR`,
    );
  } else if (!isObjectName(namespace)) {
    problems.push(`${file} holds ${JSON.stringify(namespace)}, which is no name of a namespace`);
  }
  return namespace;
}

function readInteger(text: string, min: number, max: number): number | undefined {
  const value = isOf(text, DIGITS) && text.length <= 5 ? Number(text) : NaN;
  return value >= min && value <= max ? value : undefined;
}

/** It becomes part of a path and of a field selector. (Without a regular expression: the first one costs half a megabyte of memory.) */
function isObjectName(text: string): boolean {
  const first = text.at(0) ?? "";
  const last = text.at(-1) ?? "";
  return isOf(text, `${NAME_ENDS}-.`) && NAME_ENDS.includes(first) && NAME_ENDS.includes(last);
}

/** Whether it is one or more of these characters. */
function isOf(text: string, characters: string): boolean {
  return text !== "" && [...text].every((character) => characters.includes(character));
}
