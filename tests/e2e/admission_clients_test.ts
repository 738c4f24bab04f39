/** How other software writes JobSets, through the webhooks: Kueue, Trainer, Metaflow, xpk, people (spec 9). */
import { expect } from "bun:test";
import { asArray, asObject, at, type JsonObject } from "../../src/base/json.ts";
import { group, newJobSet } from "../../src/admission/test_job_set.ts";
import { Cluster, labelsOf } from "./cluster.ts";
import type { Environment } from "./environment.ts";
import { type LaterWebhook, startLaterWebhook } from "./later_webhook.ts";
import { dryCreate, verdicts } from "./verdicts.ts";

const e2e = verdicts();

const of = (spec: JsonObject, name = "js") => newJobSet({ replicatedJobs: [group("a")], ...spec }, { name });

/** As it would be stored. */
async function created(cluster: Cluster, object: JsonObject): Promise<JsonObject> {
  const { code, body } = await dryCreate(cluster, object);
  expect({ code, message: body["message"] }).toEqual({ code: 201, message: undefined });
  return body;
}

function jobOf(jobSet: JsonObject): unknown {
  return asArray(at(jobSet, "spec", "replicatedJobs"))[0];
}

e2e.test("a JobSet that says only what it must is stored with every default of spec 2.1 and 1.1, and nothing else", async (judged) => {
  const containers = [{ name: "main", image: "busybox:1.36" }];
  const stored = await created(
    judged,
    newJobSet({
      failurePolicy: {},
      replicatedJobs: [{ name: "a", template: { spec: { template: { spec: { containers } } } } }],
    }, { name: "js" }),
  );
  expect(stored["spec"]).toEqual({
    network: { enableDNSHostnames: true, publishNotReadyAddresses: true },
    successPolicy: { operator: "All" },
    startupPolicy: { startupPolicyOrder: "AnyOrder" },
    failurePolicy: { restartStrategy: "Recreate" },
    replicatedJobs: [{
      name: "a",
      groupName: "default",
      replicas: 1,
      template: {
        spec: { completionMode: "Indexed", template: { spec: { restartPolicy: "OnFailure", containers } } },
      },
    }],
  });
  expect((await created(judged, newJobSet({ network: {} }, { name: "js" })))["spec"]).toMatchObject({
    network: { enableDNSHostnames: true, publishNotReadyAddresses: true },
  });
});

e2e.test("suspend is nobody's to default: absent stays absent, false false and true true (K12)", async (judged) => {
  for (const suspend of [undefined, false, true]) {
    const stored = await created(judged, of(suspend === undefined ? {} : { suspend }));
    expect(at(stored, "spec", "suspend")).toBe(suspend);
  }
});

e2e.test("zero values stay: replicas 0, parallelism 0, false, an empty list (K36, K6)", async (judged) => {
  const spec = {
    suspend: false,
    network: { enableDNSHostnames: false, publishNotReadyAddresses: false },
    successPolicy: { operator: "Any", targetReplicatedJobs: [] },
    failurePolicy: { maxRestarts: 0 },
    ttlSecondsAfterFinished: 0,
    replicatedJobs: [
      group("a", { replicas: 0, job: { parallelism: 0, backoffLimit: 0, completionMode: "NonIndexed" } }),
    ],
  };
  const stored = await created(judged, of(spec));
  expect(at(stored, "spec")).toMatchObject({ ...spec, replicatedJobs: [{ name: "a", replicas: 0 }] });
  expect(at(jobOf(stored), "template", "spec")).toMatchObject({
    parallelism: 0,
    backoffLimit: 0,
    completionMode: "NonIndexed",
  });
});

e2e.test("the stored object of one cluster is created in another without managedBy, and is the same (K32)", async (judged) => {
  const first = await judged.create("jobsets", {
    ...of({
      managedBy: "kueue.x-k8s.io/multikueue",
      suspend: true,
      failurePolicy: { maxRestarts: 1, rules: [{ action: "FailJobSet" }] },
      replicatedJobs: [group("a"), group("b", { dependsOn: [{ name: "a", status: "Ready" }] })],
    }, "origin"),
  });
  const { managedBy: _, ...spec } = asObject(first["spec"]) ?? {};
  const labels = { "kueue.x-k8s.io/prebuilt-workload-name": "w", "kueue.x-k8s.io/multikueue-origin": "multikueue" };
  const body = { ...first, metadata: { name: "remote", labels }, spec, status: undefined };
  const second = await created(judged, body);
  expect(second["spec"]).toEqual(spec);
  expect(labelsOf(second)).toEqual(labels);
});

e2e.test("explicit nulls count as absent, those of Metaflow for instance (C4)", async (judged) => {
  const absent = await created(judged, of({}));
  const nulls = {
    network: null,
    successPolicy: null,
    failurePolicy: null,
    startupPolicy: null,
    coordinator: null,
    suspend: null,
    managedBy: null,
    ttlSecondsAfterFinished: null,
    volumeClaimPolicies: null,
  };
  const stored = await created(judged, { ...of(nulls), status: null });
  expect(stored["spec"]).toEqual(absent["spec"]);
  expect(at(jobOf(stored), "replicas")).toBe(1);
});

e2e.test("a rule without a name, or with an empty one, has its index's (C10)", async (judged) => {
  const rules = [{ action: "FailJobSet" }, { name: "", action: "RestartJobSet" }, {
    name: "mine",
    action: "FailJobSet",
  }];
  const stored = await created(judged, of({ failurePolicy: { rules } }));
  const names = asArray(at(stored, "spec", "failurePolicy", "rules")).map((rule) => at(rule, "name"));
  expect(names).toEqual(["failurePolicyRule0", "failurePolicyRule1", "mine"]);
});

const CLAIM = {
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};
const MOUNTS = {
  containers: [{ name: "main", image: "busybox:1.36", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
};

e2e.test("a retention policy that does not say what, or is not there, is Delete (R72)", async (judged) => {
  for (const retentionPolicy of [{}, { whenDeleted: undefined }, null, undefined]) {
    const volumeClaimPolicies = [{ templates: [CLAIM], retentionPolicy }];
    const stored = await created(judged, of({ volumeClaimPolicies, replicatedJobs: [group("a", { pod: MOUNTS })] }));
    const [policy] = asArray(at(stored, "spec", "volumeClaimPolicies"));
    expect(at(policy, "retentionPolicy")).toEqual({ whenDeleted: "Delete" });
  }
});

e2e.test("Trainer applies it suspended, again and again, and resumes it with a nodeSelector (T1, T2, T3)", async (judged) => {
  const body = (spec: JsonObject, pod: JsonObject = {}) => {
    const replicatedJobs = [
      group("init", { pod: MOUNTS }),
      group("node", { dependsOn: [{ name: "init", status: "Complete" }], pod: { ...MOUNTS, ...pod } }),
    ];
    return newJobSet({ volumeClaimPolicies: [{ templates: [CLAIM] }], replicatedJobs, ...spec }, { name: "trained" });
  };
  const apply = (object: JsonObject) =>
    judged.api.patch(`${judged.path("jobsets", "trained")}?fieldManager=trainer&force=true`, object, "apply");
  const first = await apply(body({ suspend: true }));
  for (let round = 0; round < 3; round++) {
    expect(at(await apply(body({ suspend: true })), "metadata", "resourceVersion")).toBe(
      at(first, "metadata", "resourceVersion"),
    );
  }
  const nodeSelector = { zone: "b" };
  const resumed = await apply(body({ suspend: false }, { nodeSelector }));
  expect(at(resumed, "metadata", "generation")).toBe(2);
  const [, node] = asArray(at(resumed, "spec", "replicatedJobs"));
  expect(at(node, "template", "spec")).toMatchObject({
    completionMode: "Indexed",
    template: { spec: { restartPolicy: "OnFailure", nodeSelector } },
  });
  expect(at(resumed, "spec")).toMatchObject({
    network: { enableDNSHostnames: true, publishNotReadyAddresses: true },
    successPolicy: { operator: "All" },
    startupPolicy: { startupPolicyOrder: "AnyOrder" },
    volumeClaimPolicies: [{ retentionPolicy: { whenDeleted: "Delete" } }],
  });
});

/** A namespace with a webhook of Kueue's that adds these fields to each new JobSet's spec. */
async function withKueue(
  environment: Environment,
  fields: JsonObject,
  body: (cluster: Cluster, webhook: LaterWebhook) => Promise<void>,
): Promise<void> {
  const cluster = await Cluster.create(environment);
  const patch = Object.entries(fields).map(([field, value]) => ({ op: "add", path: `/spec/${field}`, value }) as const);
  try {
    const webhook = await startLaterWebhook(cluster, patch);
    try {
      await body(cluster, webhook);
    } finally {
      await webhook.stop();
    }
  } finally {
    await cluster.remove();
  }
}

e2e.test("Kueue's mutating webhook comes after ours, which does not need what it sets (K35)", async ({ environment }) => {
  const fields = { suspend: true, managedBy: "kueue.x-k8s.io/multikueue" };
  await withKueue(environment, fields, async (cluster, { seen }) => {
    const { spec } = await created(cluster, of({}, "queued"));
    expect(spec).toMatchObject({ ...fields, successPolicy: { operator: "All" } });
    expect(at(seen.get("queued"), "spec")).toMatchObject({ successPolicy: { operator: "All" } });
    expect(at(seen.get("queued"), "spec", "suspend")).toBeUndefined();
  });
});

e2e.test("a managedBy that another webhook sets is validated like any other (K31)", async ({ environment }) => {
  await withKueue(environment, { managedBy: "x" }, async (cluster) => {
    const { code, body } = await dryCreate(cluster, of({}, "queued"));
    expect(code).toBe(422);
    expect(body["message"]).toBe(
      'admission webhook "vjobset.kb.io" denied the request: JobSet.jobset.x-k8s.io "queued" is invalid: spec.managedBy: ' +
        'Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")',
    );
  });
});

e2e.test("kubectl prints all that is wrong, line by line (R27, R62)", async (judged) => {
  const object = of({ managedBy: "100%s", replicatedJobs: [group("a", { dependsOn: [] })] }, "wrong");
  const { code, stderr } = await judged.environment.kubectl(
    ["-n", judged.namespace, "create", "-f", "-"],
    JSON.stringify(object),
  );
  expect(code).toBe(1);
  expect(stderr.trim().split("\n")).toEqual([
    'The JobSet "wrong" is invalid: ',
    "* spec.replicatedJobs[0].dependsOn: Invalid value: []: DependsOn can't be set for the first ReplicatedJob",
    '* spec.managedBy: Invalid value: "100%s": must be a domain-prefixed path (such as "acme.io/foo")',
  ]);
});
