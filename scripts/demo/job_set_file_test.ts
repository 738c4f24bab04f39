import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import { fateOf } from "../kubelet/fate.ts";
import { readFates } from "./fates.ts";
import { readJobSetFile } from "./job_set_file.ts";
import { readOptions } from "./options.ts";

const JOBSET = "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata:\n";

describe("a file of JobSets", () => {
  test("may hold several JobSets beside other objects", () => {
    const text = `kind: Namespace\nmetadata: {name: own}\n---\n${JOBSET}  name: a\n  namespace: own\n---\n` +
      `${JOBSET}  name: b\n  namespace: other\n---\n${JOBSET}  name: c\n`;
    const { keys, namespaces } = readJobSetFile(text, "x.yaml");
    expect(keys).toEqual(["own/a", "other/b", "default/c"]);
    expect(namespaces).toEqual(["other"]);
  });

  test("may be a List", () => {
    const item = { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", metadata: { name: "a" } };
    expect(readJobSetFile(JSON.stringify({ kind: "List", items: [item] }), "x.json").keys).toEqual(["default/a"]);
  });

  const bad: Readonly<Record<string, readonly [text: string, message: string]>> = {
    "that is empty": ["", "read x.yaml: there is no JobSet in it"],
    "without a JobSet": ["kind: Job", "read x.yaml: there is no JobSet in it"],
    "that is no YAML": ["a: [", "read x.yaml: no YAML: "],
    "with an older version": [
      "apiVersion: jobset.x-k8s.io/v1\nkind: JobSet",
      'the JobSet\'s apiVersion is "jobset.x-k8s.io/v1"',
    ],
    "with a JobSet without a name": [`${JOBSET}  labels: {}`, "a JobSet has no metadata.name"],
  };
  for (const [name, [text, message]] of Object.entries(bad)) {
    test(`${name} is refused in one line`, () => {
      expect(() => readJobSetFile(text, "x.yaml")).toThrow(message);
      expect(() => readJobSetFile(text, "x.yaml")).toThrow(/^[^\n]+$/);
    });
  }
});

describe("the demo's fates", () => {
  const fates = readFates(readFileSync(new URL("./fates.yaml", import.meta.url), "utf8"));
  const pod = (labels: JsonObject): JsonObject => ({ metadata: { labels } });
  const worker = (attempt: string, index: string) =>
    fateOf(
      pod({
        "jobset.sigs.k8s.io/jobset-name": "driver-and-workers",
        "jobset.sigs.k8s.io/replicatedjob-name": "workers",
        "jobset.sigs.k8s.io/restart-attempt": attempt,
        "batch.kubernetes.io/job-completion-index": index,
      }),
      fates,
    );

  test("let one worker fail in the first run, and none in the second", () => {
    expect(["0", "1", "2", "3"].filter((index) => worker("0", index).ending?.exitCode !== 0)).toEqual(["2"]);
    expect(["0", "1", "2", "3"].filter((index) => worker("1", index).ending?.exitCode !== 0)).toEqual([]);
  });

  test("can be read, each of them, and let any other Pod succeed", () => {
    for (const { labels } of fates) expect(() => fateOf(pod(labels), fates)).not.toThrow();
    expect(fateOf(pod({}), fates).ending?.exitCode).toBe(0);
    expect(asStringMap(at(fates.at(-1), "labels"))).toEqual({});
  });
});

describe("the command line of the demo", () => {
  test("knows a file, keep and a timeout", () => {
    const options = readOptions(["-f", "a.yaml", "--keep", "--timeout", "7"]);
    expect(options).toEqual({ file: "a.yaml", keep: true, help: false, timeoutMs: 7000, featureGates: {} });
  });

  for (const args of [["--bogus"], ["--timeout", "soon"], ["--timeout", "0"], ["-f"], ["file.yaml"]]) {
    test(`refuses ${args.join(" ")} in one line`, () => {
      expect(() => readOptions(args)).toThrow(/^[^\n]+$/);
    });
  }
});
