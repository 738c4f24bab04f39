import { expect, test } from "bun:test";
import { type AgentSettings, readAgentSettings } from "./settings.ts";

const NAMES = { JOBSET_NAME: "js", POD_NAME: "js-workers-0-0-abcde" };
const FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

interface Machine {
  readonly files?: Readonly<Record<string, string>>;
  readonly programs?: readonly string[];
}

function read(env: Readonly<Record<string, string>>, machine: Machine = {}): Promise<AgentSettings> {
  const { files = { [`${FOLDER}/namespace`]: "team-a\n" }, programs = ["bash", "sh"] } = machine;
  return readAgentSettings({
    env,
    readFile: (path) => Promise.resolve(files[path]),
    which: (name) => programs.includes(name) ? `/bin/${name}` : null,
  });
}

async function problemOf(env: Readonly<Record<string, string>>, machine?: Machine): Promise<string> {
  try {
    await read(env, machine);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("expected a problem: there is none");
}

test("as a sidecar it has a path, a port and an exit code by default", async () => {
  expect(await read(NAMES)).toEqual({
    namespace: "team-a",
    jobSetName: "js",
    podName: "js-workers-0-0-abcde",
    restartExitCode: 1,
    barrier: { kind: "probe", path: "/barrier-is-down", port: 8081 },
  });
});

test("what is set wins; what is set to nothing is not set", async () => {
  const set = { STARTUP_PROBE_PATH: "/up", STARTUP_PROBE_PORT: "9000", IN_PLACE_RESTART_EXIT_CODE: "0" };
  expect(await read({ ...NAMES, ...set })).toMatchObject({
    restartExitCode: 0,
    barrier: { path: "/up", port: 9000 },
  });
  const empty = {
    WORKER_COMMAND: "",
    STARTUP_PROBE_PATH: "",
    STARTUP_PROBE_PORT: "",
    IN_PLACE_RESTART_EXIT_CODE: "",
    JOBSET_SERVICE_ACCOUNT_DIR: "",
  };
  expect(await read({ ...NAMES, ...empty })).toEqual(await read(NAMES));
  expect(await problemOf({ ...NAMES, JOBSET_NAME: "" })).toBe("JOBSET_NAME is not set");
});

test("the worker's shell is $SHELL, else bash, else sh", async () => {
  const env = { ...NAMES, WORKER_COMMAND: "train --fast" };
  const shellOf = async (more: Readonly<Record<string, string>>, programs: readonly string[]) => {
    const { barrier } = await read({ ...env, ...more }, { programs });
    return barrier.kind === "worker" ? barrier.shell : undefined;
  };
  expect(await shellOf({ SHELL: "zsh" }, ["zsh", "bash", "sh"])).toBe("/bin/zsh");
  expect(await shellOf({ SHELL: "zsh" }, ["bash", "sh"])).toBe("/bin/bash");
  expect(await shellOf({}, ["sh"])).toBe("/bin/sh");
  expect(await problemOf({ ...env, SHELL: "zsh" }, { programs: [] })).toBe(
    "WORKER_COMMAND is set, but none of zsh, bash, sh is there to run it",
  );
});

test("the namespace comes from the service account's folder, or from the one that is named", async () => {
  const files = { "/sa/namespace": "team-b" };
  expect((await read({ ...NAMES, JOBSET_SERVICE_ACCOUNT_DIR: "/sa" }, { files })).namespace).toBe("team-b");
  expect(await problemOf(NAMES, { files })).toStartWith(`${FOLDER}/namespace names no namespace: `);
  expect(await problemOf(NAMES, { files: { [`${FOLDER}/namespace`]: "a/b" } })).toContain('"a/b"');
});

test("every setting that is missing, wrong or contradicts another is named, on one line", async () => {
  const lines: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ POD_NAME: "p" }, "JOBSET_NAME is not set"],
    [{ JOBSET_NAME: "js" }, "POD_NAME is not set"],
    [{ ...NAMES, JOBSET_NAME: "js,metadata.name=x" }, 'JOBSET_NAME "js,metadata.name=x" is no name of an object'],
    [{ ...NAMES, POD_NAME: "../nodes/x" }, 'POD_NAME "../nodes/x" is no name of an object'],
    [{ ...NAMES, POD_NAME: "p." }, 'POD_NAME "p." is no name of an object'],
    [{ ...NAMES, STARTUP_PROBE_PATH: "up" }, 'STARTUP_PROBE_PATH "up" does not begin with a slash'],
    ...["0", "65536", "80.5", "-1", "http", "1e3", " 80"].map((port) =>
      [
        { ...NAMES, STARTUP_PROBE_PORT: port },
        `STARTUP_PROBE_PORT ${JSON.stringify(port)} is no port: a number from 1 to 65535`,
      ] as const
    ),
    ...["256", "-1", "1.5", "one", "0x1", "99999999999"].map((code) =>
      [
        { ...NAMES, IN_PLACE_RESTART_EXIT_CODE: code },
        `IN_PLACE_RESTART_EXIT_CODE ${JSON.stringify(code)} is no exit code: an integer from 0 to 255`,
      ] as const
    ),
    [
      { ...NAMES, WORKER_COMMAND: "train", STARTUP_PROBE_PORT: "8081" },
      "WORKER_COMMAND and STARTUP_PROBE_PORT are set: set the one in the main container, the other in a sidecar",
    ],
    [
      { ...NAMES, WORKER_COMMAND: "train", STARTUP_PROBE_PORT: "8081", STARTUP_PROBE_PATH: "/x" },
      "WORKER_COMMAND and STARTUP_PROBE_PATH and STARTUP_PROBE_PORT are set: set the one in the main container, " +
      "the other in a sidecar",
    ],
    [
      { ...NAMES, WORKER_COMMAND: "train", IN_PLACE_RESTART_EXIT_CODE: "0" },
      "IN_PLACE_RESTART_EXIT_CODE is 0 and WORKER_COMMAND is set: a worker that is to restart would count as one that " +
      "has succeeded",
    ],
    [
      { IN_PLACE_RESTART_EXIT_CODE: "x" },
      "JOBSET_NAME is not set; POD_NAME is not set; IN_PLACE_RESTART_EXIT_CODE " +
      '"x" is no exit code: an integer from 0 to 255',
    ],
  ];
  for (const [env, line] of lines) expect(await problemOf(env)).toBe(line);
});
