import { expect, test } from "bun:test";
import { runCommandLine } from "./command_line.ts";

async function run(...args: readonly string[]): Promise<{ readonly code: number; readonly error: string }> {
  let error = "";
  const code = await runCommandLine({
    name: "jobset",
    args: ["nodes", ...args],
    env: { KUBECONFIG: "/does/not/exist" },
    writeOut: () => {},
    writeError: (text) => void (error += text),
    signal: new AbortController().signal,
    loadController: () => Promise.reject(new Error("no controller is asked for")),
  });
  return { code, error };
}

test("jobset nodes says in one line what is wrong with its flags, before it asks any cluster", async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], "give label, unlabel or show"],
    [["lable", "--topology", "rack"], '"lable" is not label, unlabel or show'],
    [["label"], "flag --topology is needed: the node label whose values are domains"],
    [["show", "--topology", "a b"], '--topology: "a b" is not the key of a node label'],
    [["show", "--topology", "A_B/rack"], '--topology: "A_B/rack" is not the key of a node label'],
    [["label", "--topology=rack", "-n", "Team"], '--namespace: "Team" is not the name of a namespace'],
    [["label", "--topology=rack", "--jobset", "a/b"], '--jobset: "a/b" is not the name of a JobSet'],
    [["label", "--topology=rack", "-o", "json"], "--output: label has none, only show has"],
    [["show", "--topology=rack", "-o", "xml"], '--output: "xml" is neither json nor yaml'],
    [["label", "--topology=rack", "--yes=maybe"], '--yes: "maybe" is neither true nor false'],
  ];
  for (const [args, message] of cases) {
    expect(await run(...args)).toEqual({ code: 1, error: `error: ${message}; see 'jobset nodes --help'\n` });
  }
});

test("unlabel needs no topology; the cluster is looked for once the flags are right", async () => {
  for (const args of [["unlabel"], ["unlabel", "--yes"], ["label", "--topology=example.com/rack", "--yes"]]) {
    const { code, error } = await run(...args);
    expect(error).toStartWith("error: read KUBECONFIG");
    expect(code).toBe(1);
  }
});
