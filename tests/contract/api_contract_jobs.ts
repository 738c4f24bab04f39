/** What the API server itself makes of a Job, whoever runs it: defaults, the selector, and what may change when. */
import { expect } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import { resumeOps } from "../../src/apply/resume_ops.ts";
import { type Api, type Contract, refusal, refusalCode, refused, uidOf } from "./api_contract.ts";
import { condition, CONTAINER, job } from "./api_contract_objects.ts";

const STARTED = "2026-01-01T00:00:00Z";
const LATER = "2026-01-01T00:01:00Z";
const SELECTOR = { template: { spec: { nodeSelector: { a: "b" } } } };
const INDEXED = { completionMode: "Indexed", completions: 2, parallelism: 2 };

export function jobsContract(contract: Contract): void {
  contract("a new Job has its defaults, its selector and the labels of its Pods", async (api) => {
    const made = await api.create("jobs", job("a"));
    const labels = {
      "batch.kubernetes.io/controller-uid": uidOf(made),
      "batch.kubernetes.io/job-name": "a",
      "controller-uid": uidOf(made),
      "job-name": "a",
    };
    expect(made).toEqual({
      kind: "Job",
      apiVersion: "batch/v1",
      metadata: {
        name: "a",
        namespace: api.namespace,
        uid: expect.any(String),
        resourceVersion: expect.any(String),
        generation: 1,
        creationTimestamp: expect.any(String),
        labels,
      },
      spec: {
        parallelism: 1,
        completions: 1,
        backoffLimit: 6,
        selector: { matchLabels: { "batch.kubernetes.io/controller-uid": uidOf(made) } },
        manualSelector: false,
        template: {
          metadata: { labels },
          spec: {
            containers: [{
              ...CONTAINER,
              resources: {},
              terminationMessagePath: "/dev/termination-log",
              terminationMessagePolicy: "File",
              imagePullPolicy: "IfNotPresent",
            }],
            restartPolicy: "Never",
            terminationGracePeriodSeconds: 30,
            dnsPolicy: "ClusterFirst",
            securityContext: {},
            schedulerName: "default-scheduler",
          },
        },
        completionMode: "NonIndexed",
        suspend: false,
        podReplacementPolicy: "TerminatingOrFailed",
        managedBy: "example.com/by-hand",
      },
      status: {},
    });
  });

  contract("a new Job keeps what it says itself", async (api) => {
    const spec = { ...INDEXED, suspend: true, backoffLimit: 0, ttlSecondsAfterFinished: 5 };
    const made = await api.create(
      "jobs",
      job("a", {
        metadata: { labels: { l: "v" } },
        spec,
        templateMetadata: { labels: { t: "w" }, annotations: { x: "y" } },
        podSpec: { nodeSelector: {}, tolerations: [], subdomain: "s", containers: [{ name: "c", image: "busybox" }] },
      }),
    );
    expect(made["spec"]).toMatchObject(spec);
    expect(at(made, "metadata", "labels")).toEqual({ l: "v" });
    expect(at(made, "spec", "template", "metadata", "annotations")).toEqual({ x: "y" });
    expect(at(made, "spec", "template", "metadata", "labels")).toMatchObject({ t: "w", "job-name": "a" });
    const podSpec = at(made, "spec", "template", "spec");
    expect(podSpec).not.toHaveProperty("nodeSelector");
    expect(podSpec).not.toHaveProperty("tolerations");
    expect(podSpec).toMatchObject({ subdomain: "s", containers: [{ name: "c", imagePullPolicy: "Always" }] });
  });

  contract("parallelism alone leaves completions unset", async (api) => {
    const made = await api.create("jobs", job("a", { spec: { parallelism: 3 } }));
    expect(at(made, "spec", "parallelism")).toBe(3);
    expect(made["spec"]).not.toHaveProperty("completions");
  });

  contract("a Job that cannot run is refused with all that is wrong", async (api) => {
    const bare = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "a" }, spec: {} };
    const causes = [
      { reason: "FieldValueRequired", message: "Required value", field: "spec.template.spec.containers" },
      {
        reason: "FieldValueRequired",
        message: 'Required value: valid values: "OnFailure", "Never"',
        field: "spec.template.spec.restartPolicy",
      },
    ];
    expect(await refusal(api.create("jobs", bare))).toEqual({
      status: 422,
      reason: "Invalid",
      message: 'Job.batch "a" is invalid: [spec.template.spec.containers: Required value, ' +
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"]',
      details: { name: "a", group: "batch", kind: "Job", causes },
    });
    const always = job("a", { podSpec: { restartPolicy: "Always" } });
    expect((await refused(api.create("jobs", always)))?.message).toBe(
      'Job.batch "a" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    );
    const negative = job("a", { spec: { parallelism: -1 } });
    expect((await refused(api.create("jobs", negative)))?.message)
      .toBe('Job.batch "a" is invalid: spec.parallelism: Invalid value: -1: must be greater than or equal to 0');
  });

  contract("a Job's name has room for the labels and the names of its Pods", async (api) => {
    const long = "n".repeat(64);
    const cause = {
      reason: "FieldValueInvalid",
      message: `Invalid value: "${long}": must be no more than 63 bytes`,
      field: "spec.template.labels",
    };
    expect(await refusal(api.create("jobs", job(long)))).toEqual({
      status: 422,
      reason: "Invalid",
      message: `Job.batch "${long}" is invalid: spec.template.labels: ${cause.message}`,
      details: { name: long, group: "batch", kind: "Job", causes: [cause, cause] },
    });
    const name = "n".repeat(62);
    const spec = { ...INDEXED, completions: 200, parallelism: 1 };
    expect((await refused(api.create("jobs", job(name, { spec }))))?.message).toEndWith(
      `metadata.name: Invalid value: "${name}": will not able to create pod with invalid DNS label: ${name}-199`,
    );
  });

  const templates: readonly Readonly<{ what: string; suspend: boolean; status: JsonObject; isTaken: boolean }>[] = [
    { what: "suspended and never started", suspend: true, status: {}, isTaken: true },
    { what: "running", suspend: false, status: {}, isTaken: false },
    { what: "suspended, having started", suspend: true, status: { startTime: STARTED }, isTaken: false },
    {
      what: "suspended, having started, and the Job controller says that it is suspended",
      suspend: true,
      status: { startTime: STARTED, conditions: [condition("Suspended")] },
      isTaken: true,
    },
    {
      what: "suspended, and the Job controller does not say so any more",
      suspend: true,
      status: { startTime: STARTED, conditions: [condition("Suspended", "False")] },
      isTaken: false,
    },
    {
      what: "suspended, and a Pod is still active",
      suspend: true,
      status: { startTime: STARTED, active: 1, conditions: [condition("Suspended")] },
      isTaken: false,
    },
    { what: "suspended, never started, yet with a Pod", suspend: true, status: { active: 1 }, isTaken: false },
  ];
  for (const { what, suspend, status, isTaken } of templates) {
    contract(`the template of a Job that is ${what}: ${isTaken ? "changes" : "stays"}`, async (api) => {
      await api.create("jobs", job("a", { spec: { suspend } }));
      if (Object.keys(status).length > 0) await api.patch("jobs", "a/status", { status });
      const resources = { template: { spec: { containers: [{ ...CONTAINER, resources: { limits: { cpu: "1" } } }] } } };
      for (const change of [SELECTOR, resources, { ...SELECTOR, suspend: false }]) {
        const patch = api.patch("jobs", "a", { spec: change });
        if (isTaken) expect((await patch)["spec"]).toMatchObject(change);
        else await expectTemplateRefused(patch);
      }
    });
  }

  contract("in the template of a suspended Job only what places its Pods changes", async (api) => {
    const taken = {
      metadata: { labels: { a: "b" }, annotations: { c: "d" } },
      spec: {
        nodeSelector: { e: "f" },
        tolerations: [{ key: "g", operator: "Exists" }],
        schedulingGates: [{ name: "h.example.com/i" }],
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "j", operator: "Exists" }] }],
            },
          },
        },
      },
    };
    await api.create("jobs", job("a", { spec: { suspend: true } }));
    const patched = await api.patch("jobs", "a", { spec: { template: taken } });
    expect(at(patched, "spec", "template")).toMatchObject(taken);
    const others: readonly JsonObject[] = [
      { spec: { subdomain: "s" } },
      { spec: { containers: [{ name: "main", image: "busybox:1.37" }] } },
      { spec: { restartPolicy: "OnFailure" } },
      { spec: { hostNetwork: true } },
    ];
    for (const template of others) {
      const error = await refused(api.patch("jobs", "a", { spec: { template } }));
      expect(error?.message).toStartWith('Job.batch "a" is invalid: spec.template.spec: Invalid value: ');
      expect(error?.message).toEndWith(": field is immutable");
    }
    const label = { metadata: { labels: { "job-name": "other" } } };
    const error = await refused(api.patch("jobs", "a", { spec: { template: label } }));
    expect(error?.message).toContain("spec.template.metadata.labels[job-name]: Invalid value: ");
    expect(error?.message).toContain(": must be 'a'");
  });

  contract("our resume is one JSON patch; empty maps and lists in it are none", async (api) => {
    const templateMetadata = { labels: { old: "1" }, annotations: { old: "1" } };
    const podSpec = { nodeSelector: { old: "1" }, schedulingGates: [{ name: "old.example.com/gate" }] };
    const made = await api.create("jobs", job("a", { spec: { suspend: true }, templateMetadata, podSpec }));
    const labels = {
      "batch.kubernetes.io/controller-uid": uidOf(made),
      "batch.kubernetes.io/job-name": "a",
      "controller-uid": uidOf(made),
      "job-name": "a",
      new: "1",
    };
    const scheduling = { labels, annotations: {}, nodeSelector: {}, tolerations: [], schedulingGates: [] };
    const resources = [{ list: "containers", index: 0, name: "main", requests: { cpu: "2" }, limits: {} }] as const;
    const change = {
      kind: "resume",
      clearStartTime: false,
      scheduling,
      resources,
      executionAttempt: 3,
      isUnannotated: true,
    } as const;
    const stale = resumeOps("other", change);
    expect(await refusalCode(api.patch("jobs", "a", stale, "json"))).toBe("422 Invalid");
    const resumed = await api.patch("jobs", "a", resumeOps(uidOf(made), change), "json");
    expect(at(resumed, "spec", "suspend")).toBe(false);
    expect(at(resumed, "metadata", "annotations")).toEqual({ "jobset.sigs.k8s.io/execution-attempt": "3" });
    expect(at(resumed, "spec", "template", "metadata")).toEqual({ labels });
    const found = at(resumed, "spec", "template", "spec");
    for (const field of ["nodeSelector", "tolerations", "schedulingGates"]) expect(found).not.toHaveProperty(field);
    expect(at(found, "containers")).toMatchObject([{ name: "main", resources: { requests: { cpu: "2" } } }]);
  });

  contract("what a Job is made of stays as it is", async (api) => {
    await api.create("jobs", job("a", { spec: { suspend: true } }));
    const changes: readonly (readonly [string, JsonObject, string])[] = [
      ["completionMode", { completionMode: "Indexed" }, '"Indexed"'],
      ["completions", { completions: 5 }, "5"],
      ["managedBy", { managedBy: "example.com/other" }, '"example.com/other"'],
    ];
    for (const [field, change, value] of changes) {
      expect((await refused(api.patch("jobs", "a", { spec: change })))?.message)
        .toBe(`Job.batch "a" is invalid: spec.${field}: Invalid value: ${value}: field is immutable`);
    }
    expect(await refusalCode(api.patch("jobs", "a", { spec: { selector: { matchLabels: { a: "b" } } } })))
      .toBe("422 Invalid");
    const free = { parallelism: 4, backoffLimit: 3, ttlSecondsAfterFinished: 9, activeDeadlineSeconds: 60 };
    expect((await api.patch("jobs", "a", { spec: free }))["spec"]).toMatchObject(free);
  });

  contract("an Indexed Job grows and shrinks, both its sizes together", async (api) => {
    await api.create("jobs", job("a", { spec: INDEXED }));
    expect((await refused(api.patch("jobs", "a", { spec: { completions: 3 } })))?.message).toBe(
      'Job.batch "a" is invalid: spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism',
    );
    for (const size of [3, 1]) {
      const grown = await api.patch("jobs", "a", { spec: { completions: size, parallelism: size } });
      expect(grown["spec"]).toMatchObject({ completions: size, parallelism: size });
    }
  });

  contract("the start time of a Job is cleared and changed only while it is suspended", async (api) => {
    await api.create("jobs", job("a", { spec: { suspend: true } }));
    await api.patch("jobs", "a/status", { status: { startTime: STARTED } });
    await api.patch("jobs", "a/status", { status: { startTime: LATER } });
    // As our controller clears it.
    const cleared = await api.patch("jobs", "a/status", { metadata: {}, status: { startTime: null } });
    expect(cleared["status"]).toEqual({});
    await api.patch("jobs", "a/status", { status: { startTime: STARTED } });
    await api.patch("jobs", "a", { spec: { suspend: false } });
    const cause = "status.startTime: Invalid value: null: field is immutable for unsuspended job once set";
    expect((await refused(api.patch("jobs", "a/status", { status: { startTime: null } })))?.message)
      .toBe(`Job.batch "a" is invalid: ${cause}`);
    expect((await refused(api.patch("jobs", "a/status", { status: { startTime: LATER } })))?.message)
      .toContain(`status.startTime: Invalid value: "${LATER}": field is immutable`);
  });

  contract("a counter of zero is none, but for ready and terminating", async (api) => {
    await api.create("jobs", job("a"));
    const zeros = { active: 0, succeeded: 0, failed: 0, ready: 0, terminating: 0, startTime: STARTED };
    const written = await api.patch("jobs", "a/status", { status: zeros });
    expect(written["status"]).toEqual({ ready: 0, terminating: 0, startTime: STARTED });
  });
}

/** The real one quotes the whole template. */
async function expectTemplateRefused(patch: ReturnType<Api["patch"]>): Promise<void> {
  const error = await refused(patch);
  expect([error?.status, error?.reason]).toEqual([422, "Invalid"]);
  expect(error?.message).toStartWith('Job.batch "a" is invalid: spec.template: Invalid value: ');
  expect(error?.message).toEndWith(": field is immutable");
}
