import { expect, test } from "bun:test";
import { parse, parseAllDocuments } from "yaml";
import { asObject, asString, at } from "../base/json.ts";
import { thisVersion } from "../base/version.ts";
import { parseConfigFile } from "../config/config_file.ts";
import { loadSettings } from "../config/load_settings.ts";
import { DEFAULT_SETTINGS } from "../config/settings.ts";
import { runCommandLine } from "./command_line.ts";

async function run(line: string): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  let out = "";
  let error = "";
  const code = await runCommandLine({
    name: "jobset",
    args: line.split(" "),
    env: {},
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
    signal: new AbortController().signal,
    loadController: () => Promise.reject(new Error("no controller is run here")),
  });
  return { code, out, error };
}

test("jobset manifests prints documents of YAML 1.1 and nothing else, the same each time", async () => {
  const { code, out, error } = await run("manifests");
  expect({ code, error }).toEqual({ code: 0, error: "" });
  const documents = parseAllDocuments(out, { version: "1.1" });
  for (const document of documents) expect(document.errors).toEqual([]);
  expect(documents.map((document) => document.get("kind")).slice(0, 3)).toEqual([
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
  ]);
  expect(out).toContain(`image: localhost/jobset-lite/jobset:v${thisVersion().version}\n`);
  expect((await run("manifests")).out).toBe(out);
});

test("jobset manifests --crds-only prints the CRD alone", async () => {
  const { out } = await run("manifests --crds-only");
  const documents = parseAllDocuments(out);
  expect(documents.map((document) => document.get("kind"))).toEqual(["CustomResourceDefinition"]);
});

test("the CRD fits the annotation of plain kubectl apply, with room to spare (spec 6.5)", async () => {
  const crd: unknown = parse((await run("manifests --crds-only")).out);
  expect(JSON.stringify(crd).length).toBeLessThan(200 * 1024);
});

test("the configuration in the manifest says the defaults and is taken by the controller", async () => {
  const { out } = await run("manifests");
  const configMap = parseAllDocuments(out).map((document) => asObject(document.toJS()))
    .find((object) => object?.["kind"] === "ConfigMap");
  const text = asString(at(configMap, "data", "controller_manager_config.yaml")) ?? "";
  const settings = await loadSettings({
    flags: { config: "file" },
    env: {},
    readConfigFile: (path) => Promise.resolve(parseConfigFile(text, path)),
  });
  expect(settings).toEqual(DEFAULT_SETTINGS);
});

test("flags are read as Go writes them, and mistakes are one line", async () => {
  expect((await run("manifests -namespace=ops -cert-manager -replicas 2")).out).toContain("replicas: 2");
  const cases: readonly (readonly [string, string])[] = [
    ["manifests --image=", ""],
    [
      "manifests --replicas x",
      "error: --replicas: \"x\" is not a whole number from 0 to 100; see 'jobset manifests --help'\n",
    ],
    ["manifests --imge x", "error: unknown flag --imge (did you mean --image?); see 'jobset manifests --help'\n"],
    [
      "install --timeout soon",
      "error: --timeout: \"soon\" is not a duration such as 90s or 5m; see 'jobset install --help'\n",
    ],
    ["uninstall --crds=maybe", "error: --crds: \"maybe\" is neither true nor false; see 'jobset uninstall --help'\n"],
  ];
  for (const [line, error] of cases) expect((await run(line)).error).toBe(error);
});

test("a kubeconfig that is not there is one line", async () => {
  for (const command of ["install", "upgrade", "uninstall"]) {
    const { code, error } = await run(`${command} --kubeconfig /nowhere/at/all`);
    expect(error).toMatch(/^error: .*\/nowhere\/at\/all.*no such file\n$/);
    expect(code).toBe(1);
  }
});

test("every command has a help with examples", async () => {
  for (const command of ["manifests", "install", "upgrade", "uninstall"]) {
    const { code, out } = await run(`${command} --help`);
    expect(out).toContain("Examples:");
    expect(code).toBe(0);
  }
});
