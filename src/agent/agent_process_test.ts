/** The agent as a process, with a server of ours: what goes over the wire, what the worker sees, and how both end. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { type AgentProcess, AgentWorld, isAlive, JOBSET, makeCertificates, NAMESPACE, POD } from "./test_api.ts";

/** Watches are tried again after 1 s, then 2 s, and starting a process from source takes its time on a busy machine. */
setDefaultTimeout(20_000);

const certificates = makeCertificates();
const worlds: AgentWorld[] = [];

afterAll(async () => {
  for (const world of worlds) await world.remove();
});

function newWorld(): AgentWorld {
  const world = new AgentWorld(certificates);
  worlds.push(world);
  return world;
}

/** A worker that runs: attempt 0, the barrier lifted. */
async function startWorker(world: AgentWorld, command: string): Promise<AgentProcess> {
  const agent = world.start({ WORKER_COMMAND: command });
  await world.until("it has written its attempt", () => world.api.attempt === "0");
  world.api.setStatus(undefined, 0);
  return agent;
}

async function freePort(): Promise<number> {
  const [port = 0] = await findFreePorts(1);
  return port;
}

async function probe(port: number, path = "/barrier-is-down"): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  await response?.body?.cancel();
  return response?.status ?? 0;
}

/** Numbers that a worker has written, one a line. */
function pidsIn(world: AgentWorld, file: string): readonly number[] {
  const path = join(world.folder, file);
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
}

test.concurrent("as a sidecar: one watch, one write, a probe that turns to 200, and the exit code when the attempt is over", async () => {
  const world = newWorld();
  const port = await freePort();
  const env = { STARTUP_PROBE_PORT: String(port), IN_PLACE_RESTART_EXIT_CODE: "88" };
  const agent = world.start(env, "/in-place-restart-agent");
  await world.until("it has written its attempt", () => world.api.patches.length === 1);
  expect(world.api.patches[0]).toEqual({
    path: `/api/v1/namespaces/${NAMESPACE}/pods/${POD}`,
    query: "?fieldManager=in-place-restart-agent&force=true",
    contentType: "application/apply-patch+yaml",
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: POD, annotations: { "jobset.sigs.k8s.io/in-place-restart-attempt": "0" } },
    },
  });
  expect([await probe(port), await probe(port, "/other")]).toEqual([503, 404]);
  world.api.setStatus(undefined, 0);
  await world.until("the barrier falls", async () => await probe(port) === 200);
  world.api.setStatus(0, 0);
  expect(await agent.exitCode).toBe(88);
  expect(world.api.patches).toHaveLength(1);
  expect(world.api.watches).toHaveLength(1);
  expect(world.api.watches[0]).toStartWith(
    `/apis/jobset.x-k8s.io/v1alpha2/namespaces/${NAMESPACE}/jobsets?fieldSelector=metadata.name%3D${JOBSET}&watch=1`,
  );
  expect([...world.api.agents][0]).toMatch(/^jobset\/\S+ \(\w+\/\w+\) /);
});

test.concurrent("without permissions it says once which it lacks, and goes on when they come", async () => {
  const world = newWorld();
  world.api.watchCode = 403;
  world.api.patchCode = 403;
  const agent = world.start({ WORKER_COMMAND: "echo working" });
  const told = (verb: string) => agent.errors.split("\n").filter((line) => line.includes(`verb=${verb} `));
  await world.until("two watches have failed", () => world.api.watches.length > 1);
  world.api.watchCode = undefined;
  await world.until("its line is there", () => told("watch").length > 0);
  expect(told("watch")).toHaveLength(1);
  expect(told("watch")[0]).toContain(`resource=jobsets.jobset.x-k8s.io namespace=${NAMESPACE}`);
  await world.until("three writes have failed", () => world.api.patches.length > 2);
  expect(told("patch")).toHaveLength(1);
  expect(told("patch")[0]).toContain(`resource=pods namespace=${NAMESPACE}`);
  world.api.setStatus(undefined, 0);
  world.api.patchCode = undefined;
  expect(await agent.exitCode).toBe(0);
  expect(await agent.output).toBe("working\n");
});

test.concurrent("a write that fails is tried again before the barrier is looked at", async () => {
  const world = newWorld();
  world.api.patchCode = 500;
  world.api.setStatus(1, 1);
  const agent = world.start({ WORKER_COMMAND: `touch ${world.folder}/started; sleep 60` });
  await world.until("a write has failed", () => world.api.patches.length > 0);
  world.api.setStatus(1, 2);
  await world.until("more have", () => world.api.patches.length > 2);
  expect(existsSync(join(world.folder, "started"))).toBe(false);
  expect(world.api.attempt).toBe("2");
  world.api.patchCode = undefined;
  await world.until("the worker starts", () => existsSync(join(world.folder, "started")));
  expect(agent.isRunning).toBe(true);
});

test.concurrent("the worker's output goes through untouched, and so does its environment", async () => {
  const world = newWorld();
  const command = `printf 'a\\0b\\377\\n'; printf 'oops' >&2; printf "$POD_NAME"; [ -z "$BUN_JSC_useJIT" ]`;
  const agent = await startWorker(world, command);
  expect(await agent.exitCode).toBe(0);
  expect(await agent.output).toBe(`a\0b\ufffd\n${POD}`);
  await world.until("its errors are there", () => agent.errors.includes("oops"));
});

test.concurrent("it ends with the worker's exit code, or 128 and the signal that killed it", async () => {
  const ends: readonly (readonly [string, number])[] = [
    ["exit 0", 0],
    ["exit 7", 7],
    ["kill -KILL $$", 137],
    ["kill -SEGV $$", 139],
    ["no-such-program-anywhere", 127],
  ];
  await Promise.all(ends.map(async ([command, code]) => {
    const world = newWorld();
    const agent = await startWorker(world, command);
    expect([command, await agent.exitCode]).toEqual([command, code]);
  }));
});

test.concurrent("signals go to the worker, whose exit code decides; what it left behind ends with it", async () => {
  const world = newWorld();
  const command = `sleep 1000 & echo $! > ${world.folder}/pids
    trap 'echo usr' USR1; trap 'echo term; exit 9' TERM; echo ready
    touch ${world.folder}/ready; while :; do sleep 0.02; done`;
  const agent = await startWorker(world, command);
  await world.until("the traps are set", () => existsSync(join(world.folder, "ready")));
  const [left = 0] = pidsIn(world, "pids");
  expect(await isAlive(left)).toBe(true);
  agent.kill("SIGUSR1");
  agent.kill("SIGTERM");
  expect(await agent.exitCode).toBe(9);
  expect((await agent.output).split("\n").filter((line) => line !== "").toSorted()).toEqual(["ready", "term", "usr"]);
  await world.until("what it started is gone", async () => !await isAlive(left));
});

test.concurrent("without a worker SIGTERM and SIGINT end it: 128 and the number", async () => {
  await Promise.all(([["SIGTERM", 143], ["SIGINT", 130]] as const).map(async ([signal, code]) => {
    const world = newWorld();
    const agents = [
      world.start({ WORKER_COMMAND: "sleep 60" }),
      world.start({ STARTUP_PROBE_PORT: String(await freePort()) }),
    ];
    await world.until("both have written", () => world.api.patches.length === 2);
    for (const agent of agents) agent.kill(signal);
    expect(await Promise.all(agents.map((agent) => agent.exitCode))).toEqual([code, code]);
  }));
});

test.concurrent("an attempt that is over kills the worker with all that it started, deaf to signals or not", async () => {
  const world = newWorld();
  const command = `trap '' TERM INT HUP; echo $$ > ${world.folder}/pids
    (trap '' TERM INT HUP; while :; do sleep 1; done) & echo $! >> ${world.folder}/pids; wait`;
  const agent = await startWorker(world, command);
  await world.until("the worker runs", () => pidsIn(world, "pids").length === 2);
  const pids = pidsIn(world, "pids");
  world.api.setStatus(0, 0);
  expect(await agent.exitCode).toBe(1);
  for (const pid of pids) await world.until(`${pid} is gone`, async () => !await isAlive(pid));
});

test.concurrent("an agent that is killed takes its worker with it", async () => {
  const world = newWorld();
  const agent = await startWorker(world, `echo $$ > ${world.folder}/pids; sleep 1000`);
  await world.until("the worker runs", () => pidsIn(world, "pids").length === 1);
  const [worker = 0] = pidsIn(world, "pids");
  agent.kill("SIGKILL");
  await world.until("the worker is gone", async () => !await isAlive(worker));
});

test.concurrent("an API server that goes away leaves the worker alone, and is heard again when it is back", async () => {
  const world = newWorld();
  const agent = await startWorker(world, `echo $$ > ${world.folder}/pids; sleep 1000`);
  await world.until("the worker runs", () => pidsIn(world, "pids").length === 1);
  await world.api.goAway();
  await world.until("it has noticed", () => agent.errors.includes("cannot watch the JobSet, trying again"));
  expect(agent.isRunning).toBe(true);
  const watches = world.api.watches.length;
  world.api.comeBack();
  await world.until("it watches again", () => world.api.watches.length > watches);
  expect(await isAlive(pidsIn(world, "pids")[0] ?? 0)).toBe(true);
  // It resumes where it was: nothing is read anew.
  expect(world.api.watches.at(-1)).toContain("&resourceVersion=");
  world.api.setStatus(0, 0);
  expect(await agent.exitCode).toBe(1);
  expect(world.api.patches).toHaveLength(1);
});

test.concurrent("in-place restart turned off lets the worker go at once", async () => {
  const world = newWorld();
  world.api.setAnnotations({ "jobset.sigs.k8s.io/disable-in-place-restart": "" });
  const agent = world.start({ WORKER_COMMAND: "echo working" });
  expect(await agent.exitCode).toBe(0);
  expect(await agent.output).toBe("working\n");
  expect(world.api.patches).toEqual([]);
});

test.concurrent("what keeps it from starting is one line and exit code 1", async () => {
  const world = newWorld();
  const port = await freePort();
  const taken = Bun.serve({ port, fetch: () => new Response("somebody else") });
  const problems: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ POD_NAME: "" }, "error: POD_NAME is not set\n"],
    [{ WORKER_COMMAND: "x", STARTUP_PROBE_PATH: "/x" }, "error: WORKER_COMMAND and STARTUP_PROBE_PATH are set: "],
    [{ IN_PLACE_RESTART_EXIT_CODE: "many" }, 'error: IN_PLACE_RESTART_EXIT_CODE "many" is no exit code'],
    [{ JOBSET_SERVICE_ACCOUNT_DIR: world.folder }, `error: ${world.folder}/namespace names no namespace`],
    [{ KUBERNETES_SERVICE_HOST: "" }, "error: find the API server: KUBERNETES_SERVICE_HOST"],
    [{ STARTUP_PROBE_PORT: String(port) }, `error: serve the startup probe on port ${port}: another process has it`],
  ];
  await Promise.all(problems.map(async ([env, start]) => {
    const agent = world.start(env);
    expect(await agent.exitCode).toBe(1);
    await world.until("its line is there", () => agent.errors.endsWith("\n"));
    expect(agent.errors).toStartWith(start);
    expect(agent.errors.trimEnd().split("\n").filter((line) => !line.includes(" INFO "))).toHaveLength(1);
  }));
  await taken.stop(true);
});
