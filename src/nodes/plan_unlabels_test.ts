import { expect, test } from "bun:test";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { planUnlabels, type UnlabelInput } from "./plan_unlabels.ts";
import { KEY, node } from "./test_nodes.ts";

function jobSet(name: string, ...replicatedJobs: readonly string[]): JobSet {
  const spec = { replicatedJobs: replicatedJobs.map((entry) => ({ name: entry })) };
  const found = readJobSet({ metadata: { namespace: "default", name, uid: name }, spec });
  if (found === undefined) throw new Error("no JobSet");
  return found;
}

const nodes = [
  node("n-1", { rack: "a", holder: "default_a-w-0" }),
  node("n-2", { rack: "b", holder: "default_a-b-w-0" }),
  node("n-3", { holder: "other_a-w-0" }),
  node("n-4", { rack: "c" }),
  node("n-5", { rack: "d", isTainted: true }),
  node("n-6", { rack: "e", holder: "default_a-w-17" }),
  node("n-7", { rack: "f", holder: "odd" }),
];

function released(input: Partial<UnlabelInput>): readonly string[] {
  const all = { nodes, topologyKey: KEY, namespace: undefined, jobSet: undefined, jobSets: [] };
  return planUnlabels({ ...all, ...input }).map((wish) => wish.node);
}

test("without a name every labelled node is given back, whatever JobSet it was for; no other", () => {
  expect(released({})).toEqual(["n-1", "n-2", "n-3", "n-6", "n-7"]);
  expect(released({ namespace: "other" })).toEqual(["n-3"]);
});

test("with a name those of its Jobs, at any index", () => {
  const jobSets = [jobSet("a", "w"), jobSet("a-b", "w")];
  expect(released({ namespace: "default", jobSet: "a", jobSets })).toEqual(["n-1", "n-6"]);
  expect(released({ namespace: "default", jobSet: "a-b", jobSets })).toEqual(["n-2"]);
});

test("of a JobSet that is gone those that its name fits and no other JobSet has", () => {
  expect(released({ namespace: "default", jobSet: "a", jobSets: [jobSet("a-b", "w")] })).toEqual(["n-1", "n-6"]);
  expect(released({ namespace: "default", jobSet: "a", jobSets: [] })).toEqual(["n-1", "n-2", "n-6"]);
  expect(released({ namespace: "default", jobSet: "b", jobSets: [] })).toEqual([]);
});
