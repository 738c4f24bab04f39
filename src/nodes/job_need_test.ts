import { expect, test } from "bun:test";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { EXCLUSIVE_TOPOLOGY, NODE_SELECTOR } from "../api/keys.ts";
import type { JsonObject } from "../base/json.ts";
import { isAlive, jobNeeds } from "./job_need.ts";
import { KEY } from "./test_nodes.ts";

const BOTH = { [EXCLUSIVE_TOPOLOGY]: KEY, [NODE_SELECTOR]: "true" };

function jobSet(
  { annotations = {}, groups, status = {} }: {
    annotations?: JsonObject;
    groups: readonly JsonObject[];
    status?: JsonObject;
  },
): JobSet {
  const metadata = { namespace: "team", name: "run", uid: "u", annotations };
  const found = readJobSet({ metadata, spec: { replicatedJobs: groups }, status });
  if (found === undefined) throw new Error("no JobSet");
  return found;
}

function group(name: string, annotations: JsonObject = {}, spec: JsonObject = {}, replicas = 1): JsonObject {
  return { name, replicas, template: { metadata: { annotations }, spec } };
}

test("the Jobs that need nodes are those that the controller gives the node selector", () => {
  const groups = [
    group("a", {}, { parallelism: 4, completions: 3 }, 2),
    group("b", { [EXCLUSIVE_TOPOLOGY]: "other/key", [NODE_SELECTOR]: "true" }),
  ];
  expect(jobNeeds(jobSet({ annotations: BOTH, groups }), KEY)).toEqual([
    { namespace: "team", name: "run-a-0", holder: "team_run-a-0", pods: 3, nodeSelector: {} },
    { namespace: "team", name: "run-a-1", holder: "team_run-a-1", pods: 3, nodeSelector: {} },
  ]);
});

test("the replicatedJob's annotations count alone too, and without node-selector nothing is needed", () => {
  const pod = { template: { spec: { nodeSelector: { pool: "gpu" } } } };
  const groups = [group("a"), group("b", BOTH, pod), group("c", { [EXCLUSIVE_TOPOLOGY]: KEY })];
  expect(jobNeeds(jobSet({ groups }), KEY)).toEqual([
    { namespace: "team", name: "run-b-0", holder: "team_run-b-0", pods: 1, nodeSelector: { pool: "gpu" } },
  ]);
});

test("a finished JobSet needs no nodes any more", () => {
  const conditions = [{ type: "Completed", status: "True" }];
  expect(isAlive(jobSet({ groups: [], status: { conditions } }))).toBe(false);
  expect(isAlive(jobSet({ groups: [] }))).toBe(true);
});
