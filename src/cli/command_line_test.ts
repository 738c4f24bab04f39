import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FEATURE_GATE_NAMES } from "../api/feature_gates.ts";
import {
  type ControllerSettings,
  DEFAULT_SETTINGS as IN_CLUSTER,
  DEFAULT_SETTINGS_OUTSIDE as DEFAULT_SETTINGS,
} from "../config/settings.ts";
import { runCommandLine, type RunController } from "./command_line.ts";

interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly error: string;
  /** The settings that the controller was started with, if it was. */
  readonly settings: ControllerSettings | undefined;
}

async function run(line: string, { name = "/usr/bin/jobset", env = {}, controller }: {
  name?: string;
  env?: Readonly<Record<string, string>>;
  controller?: RunController;
} = {}): Promise<Ran> {
  let out = "";
  let error = "";
  let settings: ControllerSettings | undefined;
  const runController: RunController = (given, signal, writeLog) => {
    settings = given;
    return controller === undefined ? Promise.resolve(0) : controller(given, signal, writeLog);
  };
  const exitCode = await runCommandLine({
    name,
    args: line === "" ? [] : line.split(" "),
    env,
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
    signal: new AbortController().signal,
    loadController: () => Promise.resolve(runController),
  });
  return { exitCode, out, error, settings };
}

const folder = mkdtempSync(join(tmpdir(), "command-line-"));
afterAll(() => rmSync(folder, { recursive: true }));

function writeConfig(text: string): string {
  const path = join(folder, "config.yaml");
  writeFileSync(path, text);
  return path;
}

test("flags are taken in every form that Go takes", async () => {
  const forms = [
    "controller --namespace team-a --kube-api-qps=7",
    "controller -namespace team-a -kube-api-qps=7",
    "controller -namespace=team-a --kube-api-qps 7",
    "--namespace=team-a --kube-api-qps=7",
    "-namespace team-a --kube-api-qps 7",
    "controller --namespace other --kube-api-qps 7 --namespace team-a",
  ];
  for (const line of forms) {
    const ran = await run(line);
    expect(ran.error).toBe("");
    expect(ran.settings).toEqual({ ...DEFAULT_SETTINGS, namespace: "team-a", kubeApiQps: 7 });
  }
});

test("a flag that is yes or no takes its value after an equals sign only, as in Go", async () => {
  const forms: [string, boolean][] = [
    ["--leader-elect", true],
    ["-leader-elect", true],
    ["--leader-elect=true", true],
    ["-leader-elect=1", true],
    ["--leader-elect --leader-elect=false", false],
    ["--leader-elect=false --namespace team-a", false],
  ];
  for (const [line, isOn] of forms) {
    const ran = await run(line);
    expect(ran.error, line).toBe("");
    expect(ran.settings?.leaderElection.leaderElect, line).toBe(isOn);
  }
  expect((await run("--leader-elect false")).error).toStartWith("error: unexpected argument");
});

test("feature gates are a list, and a second flag adds to the first", async () => {
  const lines = [
    "--feature-gates RestartJob=true,InPlaceRestart=true,ElasticJobSet=false",
    "-feature-gates=RestartJob=true,ElasticJobSet=true -feature-gates InPlaceRestart=true,ElasticJobSet=false",
    "--feature-gates=AllAlpha=true --feature-gates=ElasticJobSet=false,ExecutionAttemptsTracking=false" +
    " --feature-gates=MutablePodResourcesForSuspendedJobSets=false",
  ];
  for (const line of lines) {
    const { settings } = await run(line);
    expect(settings?.featureGates, line).toEqual({
      ...DEFAULT_SETTINGS.featureGates,
      RestartJob: true,
      InPlaceRestart: true,
    });
  }
});

test("in a Pod everything is on without a file", async () => {
  const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };
  expect((await run("controller", { env })).settings).toEqual(IN_CLUSTER);
});

test("a configuration file is read; flags win over it", async () => {
  const path = writeConfig("metrics: {bindAddress: :9}\nclientConnection: {qps: 5, burst: 6}\n");
  for (const line of [`--config=${path} --kube-api-burst=7`, `-config ${path} -kube-api-burst 7`]) {
    const ran = await run(line, { name: "/manager" });
    expect(ran.error).toBe("");
    expect(ran.settings).toEqual({
      ...IN_CLUSTER,
      kubeApiQps: 5,
      kubeApiBurst: 7,
      metrics: { bindAddress: ":9", certDir: undefined },
    });
  }
});

test("mistakes of a configuration file are one line each, and nothing starts", async () => {
  const path = writeConfig("webhook:\n  prot: 1\nfeatureGates: {X: true}\nleaderElection:\n  leaderElect: 3\n");
  expect(await run(`controller --config ${path}`)).toEqual({
    exitCode: 1,
    out: "",
    error: `error: ${path}:2:3: webhook.prot: unknown field (did you mean port?)\n` +
      `error: ${path}:3:16: featureGates.X: unrecognized feature gate: X\n` +
      `error: ${path}:5:3: leaderElection.leaderElect: must be true or false, not 3\n`,
    settings: undefined,
  });
  const missing = `${path}.none`;
  expect(await run(`--config=${missing}`)).toEqual({
    exitCode: 1,
    out: "",
    error: `error: read --config "${missing}": no such file\n`,
    settings: undefined,
  });
});

test("a flag's value may begin with a dash or hold an equals sign", async () => {
  expect((await run("controller --context -team-a")).settings?.context).toBe("-team-a");
  expect((await run("controller -context -team")).settings?.context).toBe("-team");
  expect((await run("controller --context=a=b")).settings?.context).toBe("a=b");
  expect((await run("controller --kubeconfig=")).settings?.kubeconfig).toBeUndefined();
});

test("called as the agent it is no controller: it has no flags, and tells of its variables", async () => {
  const agent = { name: "/in-place-restart-agent" };
  const wrong = await run("--kubeconfig=/nowhere", agent);
  expect([wrong.exitCode, wrong.settings]).toEqual([1, undefined]);
  expect(wrong.error).toBe("error: unknown flag --kubeconfig; see 'jobset agent --help'\n");
  for (const help of [await run("--help", agent), await run("agent --help")]) {
    expect(help.exitCode).toBe(0);
    expect(help.out).toContain("IN_PLACE_RESTART_EXIT_CODE");
  }
});

test("called as manager it is the controller, whatever flags come first", async () => {
  expect((await run("", { name: "/manager" })).settings).toEqual(DEFAULT_SETTINGS);
  expect((await run("--zap-log-level=2", { name: "manager" })).settings?.logVerbosity).toBe(2);
  expect((await run("version --output short", { name: "/manager" })).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await run("--help", { name: "/manager" })).out).toContain("Usage: jobset controller");
});

test("flags of the reference that mean nothing here are accepted", async () => {
  const ran = await run(
    "--zap-devel --zap-encoder=json --zap-stacktrace-level error --zap-time-encoding iso8601 --zap-devel=false -zap-devel",
  );
  expect(ran).toMatchObject({ exitCode: 0, error: "", settings: DEFAULT_SETTINGS });
});

test("what is typed wrong is one line on stderr that says where to look, and exit code 1", async () => {
  const cases: [string, string][] = [
    ["controller --foo", "error: unknown flag --foo; see 'jobset controller --help'\n"],
    ["--foo=1", "error: unknown flag --foo; see 'jobset controller --help'\n"],
    ["-kubeconfg x", "error: unknown flag --kubeconfg (did you mean --kubeconfig?); see 'jobset controller --help'\n"],
    ["controller --context", "error: flag --context needs a value; see 'jobset controller --help'\n"],
    ["controller now", "error: unexpected argument: this command takes flags only; see 'jobset controller --help'\n"],
    ["controler", "error: unknown command \"controler\" (did you mean controller?); see 'jobset --help'\n"],
    ["help nothing", "error: unknown command \"nothing\"; see 'jobset --help'\n"],
    [
      "--leader-elect=maybe",
      "error: --leader-elect: \"maybe\" is neither true nor false; see 'jobset controller --help'\n",
    ],
    [
      "--feature-gates X=true",
      "error: --feature-gates: unrecognized feature gate: X; see 'jobset controller --help'\n",
    ],
    ["--kube-api-qps x", "error: --kube-api-qps: \"x\" is not a positive number; see 'jobset controller --help'\n"],
  ];
  for (const [line, error] of cases) {
    expect(await run(line)).toEqual({ exitCode: 1, out: "", error, settings: undefined });
  }
  const format = await run("version -o xml");
  expect(format.exitCode).toBe(1);
  expect(format.error).toMatch(/^error: .*json, yaml, short.*\n$/);
});

test("the exit code is the controller's", async () => {
  expect((await run("controller", { controller: () => Promise.resolve(3) })).exitCode).toBe(3);
});

test("what the controller throws is one line, without a stack, and exit code 1", async () => {
  const refused: RunController = () => Promise.reject(new Error('read kubeconfig "x": no such file\nline two'));
  expect(await run("controller", { controller: refused })).toMatchObject({
    exitCode: 1,
    error: 'error: read kubeconfig "x": no such file\\nline two\n',
  });
  const broken: RunController = () => Promise.reject(new TypeError("a is not a function"));
  expect((await run("controller", { controller: broken })).error).toMatch(
    /^error: unexpected TypeError: a is not a function \(at .+\)\n$/,
  );
});

test("help is for people: on stdout, with examples, and no failure", async () => {
  for (const line of ["", "--help", "-h", "-help", "help"]) {
    const ran = await run(line);
    expect(ran).toMatchObject({ exitCode: 0, error: "" });
    expect(ran.out).toContain("Examples:\n  jobset controller ");
  }
  for (const line of ["help controller", "controller --help", "controller -h", "controller -help"]) {
    const { exitCode, out } = await run(line);
    expect(exitCode).toBe(0);
    expect(out).toContain("--health-probe-bind-address <address>");
    expect(out).toContain("Examples:");
    for (const name of FEATURE_GATE_NAMES) expect(out).toContain(name);
    expect(out).toMatch(/\n {2}RestartJob +Alpha +default false\n/);
    expect(out).toMatch(/\n {2}TLSOptions +GA +default true, locked\n/);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  }
});

test("the version is told in words, as JSON, as YAML and short", async () => {
  expect((await run("version")).out).toMatch(/^jobset \d+\.\d+\.\d+ \(\w+\/\w+\) \w+\n$/);
  expect((await run("--version")).out).toBe((await run("version")).out);
  expect(JSON.parse((await run("version --output json")).out)).toHaveProperty("commit");
  expect((await run("version --output=yaml")).out).toMatch(/^version: /);
  expect((await run("version -o short")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("a word with a line break in it is refused on one line", async () => {
  const { exitCode, error } = await run("a\nb");
  expect(exitCode).toBe(1);
  expect(error).toMatch(/^error: [^\n]*a\\nb[^\n]*\n$/);
});
