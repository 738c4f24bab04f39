import { expect, test } from "bun:test";
import { podRole } from "./pod_role.ts";
import { EXCLUSIVE, JOB_KEY, jobOwner, JOBSET_NAME, KEY, NODE_SELECTOR, podOf, UID, ZONE } from "./test_pods.ts";

test("a Pod of no JobSet, or placed by the node selector, is none of our business", () => {
  for (
    const pod of [
      undefined,
      {},
      { metadata: null },
      { metadata: { annotations: [] } },
      podOf({ index: "0", annotations: { [JOBSET_NAME]: undefined } }),
      podOf({ index: "0", annotations: { [NODE_SELECTOR]: "true" } }),
      podOf({ index: "1", annotations: { [NODE_SELECTOR]: "" } }),
    ]
  ) {
    expect(podRole(pod)).toEqual({ kind: "none" });
  }
});

test("a Pod decides by its own annotations whether it is exclusive (R50)", () => {
  expect(podRole(podOf({ index: "0", annotations: { [EXCLUSIVE]: undefined } }))).toEqual({ kind: "plain" });
});

test("completion index 0 leads, any other one follows, and so does none (R51)", () => {
  expect(podRole(podOf({ index: "0" }))).toEqual({ kind: "leader", topologyKey: ZONE, jobKey: KEY });
  for (const index of ["1", "00", "-0", "a", "", undefined]) {
    expect(podRole(podOf({ index }))).toEqual({
      kind: "follower",
      topologyKey: ZONE,
      jobKey: KEY,
      jobUid: UID,
      jobName: "train-a-0",
      nodeSelector: undefined,
    });
  }
});

test("a Pod made by hand may lack whatever the Job controller sets", () => {
  const labels = { [JOB_KEY]: undefined, "job-name": undefined };
  expect(podRole(podOf({ index: "1", owners: [], labels }))).toMatchObject({ jobUid: "", jobName: "", jobKey: "" });
  const replicaSet = { ...jobOwner(UID), kind: "ReplicaSet" };
  const notController = { ...jobOwner(UID), controller: false };
  expect(podRole(podOf({ index: "1", owners: [replicaSet, notController] }))).toMatchObject({
    jobUid: "",
    jobName: "train-a-0",
  });
  const named = podOf({ index: "1", owners: [], labels: { "batch.kubernetes.io/job-name": "by-label" } });
  expect(podRole(named)).toMatchObject({ jobName: "by-label" });
});

test("an empty node selector is none", () => {
  expect(podRole(podOf({ index: "1", spec: { nodeSelector: {} } }))).toMatchObject({ nodeSelector: undefined });
  const nodeSelector = { pool: "a" };
  expect(podRole(podOf({ index: "1", spec: { nodeSelector } }))).toMatchObject({ nodeSelector });
});
