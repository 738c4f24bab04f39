/** What the API server refuses (spec 3.7, issue: bad input): told of by its words, retried, and nobody else's matter. */
import { expect } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import { type Cluster, conditionsOf, countersOf, terminalState } from "./cluster.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();
const POLICIES = "/apis/admissionregistration.k8s.io/v1";

async function othersGoOn(cluster: Cluster): Promise<void> {
  await cluster.create("jobsets", jobSet("other", [group("a", { fate: { "succeed-after": "0s" } })]));
  await cluster.terminal("other", "Completed");
}

e2e.test("a quota on Jobs: one Event with the API server's words, its series counted up, no condition; freed, it recovers (R63, K3)", async (cluster) => {
  await cluster.create("quotas", { metadata: { name: "q" }, spec: { hard: { "count/jobs.batch": "2" } } });
  await cluster.eventually(
    "the quota to be in force",
    async () => at(await cluster.get("quotas", "q"), "status", "used") !== undefined,
  );
  await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 4 })]));
  const counted = await cluster.eventually("a series of refusals", async () => {
    const events = (await cluster.events("js")).filter(({ reason }) => reason === "JobCreationFailed");
    return events.some(({ count }) => count >= 3) ? events : undefined;
  });
  expect(counted).toHaveLength(1);
  expect(counted[0]?.type).toBe("Warning");
  expect(counted[0]?.note).toMatch(
    /^job "js-a-\d" creation failed with error: .*exceeded quota: q, requested: count\/jobs.batch=1/,
  );
  expect(counted[0]?.note.split("\n")).toHaveLength(2);
  const stored = await cluster.jobSet("js");
  expect(conditionsOf(stored)).toEqual([]);
  expect(terminalState(stored)).toBe("");
  await cluster.jobCount("js", 2);
  await cluster.patch("quotas", "q", { spec: { hard: { "count/jobs.batch": "10" } } });
  // The API server's quota takes a moment to be recounted, and our wait may have grown to some seconds by now.
  await cluster.jobCount("js", 4, undefined, 60_000);
  await othersGoOn(cluster);
});

e2e.testWithoutWebhooks(
  "a name too long, with no webhook before it: an Event in the API server's words, and others go on (R19)",
  async (cluster) => {
    const name = `long-${"x".repeat(55)}`;
    await cluster.create("jobsets", jobSet(name, [byHand("workers")]));
    const { type, note } = await cluster.event(name, "JobCreationFailed");
    expect(type).toBe("Warning");
    expect(note).toContain(`job "${name}-workers-0" creation failed with error: `);
    expect(note).toContain("must be no more than 63");
    await othersGoOn(cluster);
    expect(await cluster.jobs(name)).toEqual([]);
  },
);

e2e.testWithoutWebhooks(
  "a JobSet name that is no Service name: HeadlessServiceCreationFailed, and others go on (R19)",
  async (cluster) => {
    await cluster.create("jobsets", jobSet("1.2.3", [byHand("a")]));
    const { type, note } = await cluster.event("1.2.3", "HeadlessServiceCreationFailed");
    expect(type).toBe("Warning");
    expect(note).toContain('Service "1.2.3" is invalid: metadata.name: Invalid value');
    await othersGoOn(cluster);
  },
);

e2e.test("a malformed label in a template: an Event, and others go on", async (cluster) => {
  const podMetadata = { labels: { bad: "not a label value" } };
  await cluster.create("jobsets", jobSet("js", [byHand("a", { podMetadata }), byHand("b")]));
  const { note } = await cluster.event("js", "JobCreationFailed");
  expect(note).toContain('job "js-a-0" creation failed with error: ');
  expect(note).toContain("not a label value");
  await cluster.jobCount("js", 1);
  await othersGoOn(cluster);
});

e2e.testWithoutWebhooks(
  "a rule whose name makes no reason of a condition: an Event in the API server's words, and others go on",
  async (cluster) => {
    const rules = [{ name: "my-rule", action: "RestartJobSet" }];
    await cluster.create(
      "jobsets",
      jobSet("js", [group("a", { fate: { "fail-after": "300ms" } })], { failurePolicy: { maxRestarts: 1, rules } }),
    );
    const { type, note } = await cluster.event("js", "StatusWriteRefused");
    expect(type).toBe("Warning");
    expect(note).toContain('"FailurePolicy_my-rule"');
    await othersGoOn(cluster);
  },
);

/** Refuses requests on Jobs of this namespace that carry the label `refuse: yes`; resolves once it is in force. */
async function refuse(cluster: Cluster, operation: "CREATE" | "DELETE", message: string): Promise<() => Promise<void>> {
  const name = `refuse-${operation.toLowerCase()}-${cluster.namespace}`;
  const object = operation === "DELETE" ? "oldObject" : "object";
  await cluster.api.create(`${POLICIES}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: {
      matchConstraints: {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": cluster.namespace } },
        resourceRules: [{ apiGroups: ["batch"], apiVersions: ["v1"], resources: ["jobs"], operations: [operation] }],
      },
      validations: [{
        expression: `!has(${object}.metadata.labels) || !("refuse" in ${object}.metadata.labels)`,
        message,
      }],
    },
  });
  await cluster.api.create(`${POLICIES}/validatingadmissionpolicybindings`, {
    metadata: { name },
    spec: { policyName: name, validationActions: ["Deny"] },
  });
  return async () => {
    await cluster.api.delete(`${POLICIES}/validatingadmissionpolicybindings/${name}`);
    await cluster.api.delete(`${POLICIES}/validatingadmissionpolicies/${name}`);
  };
}

function probe(name: string): JsonObject {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "example.com/none" }] } };
  return { metadata: { name, labels: { refuse: "yes" } }, spec: { suspend: true, template } };
}

e2e.test("200 refusals whose text has % in it: one readable Event that the API server takes (R62, R82)", async (cluster) => {
  const message = "100% of %d and %s are %!v(MISSING)";
  const allow = await refuse(cluster, "CREATE", message);
  try {
    await cluster.eventually("the policy to be in force", async () => {
      const answer = await cluster.api.request("POST", `${cluster.path("jobs")}?dryRun=All`, probe("probe"));
      return answer.code === 422;
    });
    const jobMetadata = { labels: { refuse: "yes" } };
    await cluster.create("jobsets", jobSet("js", [byHand("a", { replicas: 200, jobMetadata })]));
    const { note } = await cluster.event("js", "JobCreationFailed");
    expect(note).toContain('job "js-a-0" creation failed with error: ');
    expect(note).toContain(message);
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect((await cluster.events("js")).filter(({ reason }) => reason === "JobCreationFailed")).toHaveLength(1);
  } finally {
    await allow();
  }
  await cluster.jobCount("js", 200, undefined, 60_000);
});

e2e.test("the delete of a previous Job is refused and the JobSet finishes meanwhile: deleted all the same, later (R86)", async (cluster) => {
  const allow = await refuse(cluster, "DELETE", "not now");
  try {
    await cluster.create("jobs", probe("probe"));
    await cluster.eventually("the policy to be in force", async () => {
      const answer = await cluster.api.request("DELETE", `${cluster.path("jobs", "probe")}?dryRun=All`);
      return answer.code === 422;
    });
    const jobMetadata = { labels: { refuse: "yes" } };
    const fate = { "fail-after": "300ms", "fail-on-restart-attempt": "0", "succeed-after": "300ms" };
    await cluster.create(
      "jobsets",
      jobSet("js", [byHand("kept", { jobMetadata }), group("run", { fate })], {
        failurePolicy: { maxRestarts: 1 },
        successPolicy: { operator: "Any" },
      }),
    );
    const done = await cluster.terminal("js", "Completed");
    expect(at(done, "status", "restarts")).toBe(1);
    expect(countersOf(done, "run")["succeeded"]).toBe(1);
    expect(await cluster.jobNames("js")).toEqual(["js-kept-0", "js-run-0"]);
  } finally {
    await allow();
  }
  await cluster.eventually(
    "the previous Job to go",
    async () => (await cluster.jobNames("js")).join() === "js-run-0",
    60_000,
  );
});
