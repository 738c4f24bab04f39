import { expect, test } from "bun:test";
import { type ControllerSettings, DEFAULT_SETTINGS_OUTSIDE as DEFAULT_SETTINGS } from "../config/settings.ts";
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

test("a flag's value may begin with a dash or hold an equals sign", async () => {
  expect((await run("controller --context -team-a")).settings?.context).toBe("-team-a");
  expect((await run("controller -context -team")).settings?.context).toBe("-team");
  expect((await run("controller --context=a=b")).settings?.context).toBe("a=b");
  expect((await run("controller --kubeconfig=")).settings?.kubeconfig).toBeUndefined();
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
  }
});

test("the version is told in words, as JSON, as YAML and short", async () => {
  expect((await run("version")).out).toMatch(/^jobset \d+\.\d+\.\d+ \(\w+\/\w+\) \w+\n$/);
  expect((await run("--version")).out).toBe((await run("version")).out);
  expect(JSON.parse((await run("version --output json")).out)).toHaveProperty("commit");
  expect((await run("version --output=yaml")).out).toMatch(/^version: /);
  expect((await run("version -o short")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
