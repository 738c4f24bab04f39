/** Jobs read from the API server's protobuf are the Jobs read from its JSON: the field numbers of our table are its own. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { readProtobuf } from "../../src/base/protobuf.ts";
import { readJob } from "../../src/api/job.ts";
import { JOB_PROTOBUF } from "../../src/api/job_protobuf.ts";
import { unwrap } from "../../src/client/kube_protobuf.ts";
import { type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

let server: SharedServer;
let space: TestNamespace;

beforeAll(async () => {
  server = await sharedServer();
  space = new TestNamespace(server.api);
  await space.create();
});

afterAll(() => space.remove());

const PREFIX = "jobset.sigs.k8s.io/";

function job(name: string, spec: JsonObject, podSpec: JsonObject = {}): JsonObject {
  const labels = {
    [`${PREFIX}replicatedjob-name`]: "w",
    [`${PREFIX}restart-attempt`]: "3",
    [`${PREFIX}job-index`]: "7",
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      labels,
      ownerReferences: [
        { apiVersion: "v1", kind: "ConfigMap", name: "other", uid: "u-1" },
        { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", name: "a", uid: "u-2", controller: true },
      ],
    },
    spec: {
      ...spec,
      template: {
        metadata: { labels: { app: "x", empty: "" }, annotations: { note: "two\nlines, \u20ac \ud83d\ude00" } },
        spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }], ...podSpec },
      },
    },
  };
}

const TOLERATIONS = [
  { key: "a", operator: "Exists", effect: "NoSchedule" },
  { key: "b", operator: "Equal", value: "c", effect: "NoExecute", tolerationSeconds: 30 },
  { key: "d", operator: "Exists", effect: "NoExecute", tolerationSeconds: -1 },
  { operator: "Exists" },
];

const TIME = "2026-01-02T03:04:05Z";

function condition(type: string): JsonObject {
  return { type, status: "True", reason: "BackoffLimitExceeded", message: "it failed", lastTransitionTime: TIME };
}

const CASES: readonly { readonly body: JsonObject; readonly status?: JsonObject }[] = [
  { body: job("plain", {}) },
  {
    body: job("suspended", { suspend: true, parallelism: 0, completions: 300 }, {
      nodeSelector: { zone: "b", empty: "" },
      tolerations: TOLERATIONS,
      schedulingGates: [{ name: "example.com/gate" }],
    }),
  },
  { body: job("running", { parallelism: 3 }), status: { startTime: TIME, active: 2, ready: 1, failed: 1 } },
  {
    body: job("failed", {}),
    status: { startTime: TIME, failed: 1, conditions: [condition("FailureTarget"), condition("Failed")] },
  },
];

test.each(CASES)("a Job read from protobuf is as read from JSON: $body.metadata.name", async ({ body, status }) => {
  const path = `/apis/batch/v1/namespaces/${space.name}/jobs`;
  const target = `${path}/${asString(at(body, "metadata", "name"))}`;
  await server.api.create(path, body);
  if (status !== undefined) await server.api.patch(`${target}/status`, { status });
  const fromJson = readJob(await server.api.get(target));
  const fromProtobuf = readJob(readProtobuf(unwrap(await fetchProtobuf(target)), JOB_PROTOBUF));
  expect(fromJson).toMatchObject({ ownerUid: "u-2", restartAttempt: 3 });
  expect(fromProtobuf).toEqual(fromJson);
});

test("a Job that is being deleted says so in protobuf too", async () => {
  const path = `/apis/batch/v1/namespaces/${space.name}/jobs`;
  const body = job("deleted", {});
  await server.api.create(path, {
    ...body,
    metadata: { ...Object(body["metadata"]), finalizers: ["example.com/wait"] },
  });
  await server.api.delete(`${path}/deleted`);
  expect(readJob(readProtobuf(unwrap(await fetchProtobuf(`${path}/deleted`)), JOB_PROTOBUF))?.isDeleting).toBe(true);
  await server.api.patch(`${path}/deleted`, { metadata: { finalizers: null } });
});

async function fetchProtobuf(target: string): Promise<Uint8Array> {
  const { url, token, caPem } = server.api.access;
  const response = await fetch(url + target, {
    headers: { Accept: "application/vnd.kubernetes.protobuf", Authorization: `Bearer ${token}` },
    tls: { ca: caPem },
  });
  return await response.bytes();
}
