/** Creating, reading and changing objects: versions, preconditions, patches, status, generation. */
import { expect } from "bun:test";
import { asObject, at } from "../../src/base/json.ts";
import {
  type Contract,
  generationOf,
  nameOf,
  refusal,
  refusalCode,
  refused,
  uidOf,
  versionOf,
} from "./api_contract.ts";
import { condition, group, job, jobSet, lease } from "./api_contract_objects.ts";

const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";
const PATCH_FAILED = {
  status: 422,
  reason: "Invalid",
  message: "the server rejected our request due to an error in our request",
  details: {},
};

export function writesContract(contract: Contract): void {
  contract("a create fills in what belongs to the server, whatever the client says", async (api) => {
    const made = await api.create(
      "jobsets",
      jobSet("a", {}, {
        uid: "mine",
        creationTimestamp: "2020-01-01T00:00:00Z",
        generation: 7,
        labels: { l: "v" },
        annotations: {},
        finalizers: [],
      }),
    );
    expect(made).toEqual({
      apiVersion: "jobset.x-k8s.io/v1alpha2",
      kind: "JobSet",
      metadata: {
        name: "a",
        namespace: api.namespace,
        uid: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
        resourceVersion: expect.stringMatching(/^[1-9][0-9]*$/),
        generation: 1,
        creationTimestamp: expect.stringMatching(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        labels: { l: "v" },
      },
      spec: { managedBy: "example.com/nobody" },
    });
    expect(at(made, "metadata", "creationTimestamp")).not.toBe("2020-01-01T00:00:00Z");
    expect(await api.get("jobsets", "a")).toEqual(made);
  });

  contract("a create takes no status and no resourceVersion", async (api) => {
    expect(await api.create("jobsets", { ...jobSet("a"), status: { restarts: 4 } })).not.toHaveProperty("status");
    expect(at(await api.create("jobs", { ...job("a"), status: { active: 4 } }), "status")).toEqual({});
    expect((await refused(api.create("jobsets", jobSet("b", {}, { resourceVersion: "5" }))))?.message)
      .toBe("resourceVersion should not be set on objects to be created");
  });

  contract("a name is taken once", async (api) => {
    await api.create("jobs", job("a"));
    expect(await refusal(api.create("jobs", job("a")))).toEqual({
      status: 409,
      reason: "AlreadyExists",
      message: 'jobs.batch "a" already exists',
      details: { name: "a", group: "batch", kind: "jobs" },
    });
    await api.create("jobsets", jobSet("a"));
    expect((await refused(api.create("jobsets", jobSet("a"))))?.message)
      .toBe('jobsets.jobset.x-k8s.io "a" already exists');
  });

  contract("generateName makes a name of its own each time", async (api) => {
    const { metadata: _, ...rest } = jobSet("");
    const made = [
      await api.create("jobsets", { ...rest, metadata: { generateName: "gen-" } }),
      await api.create("jobsets", { ...rest, metadata: { generateName: "gen-" } }),
    ];
    const names = made.map(nameOf);
    for (const name of names) expect(name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(new Set(names).size).toBe(2);
    expect(at(made[0], "metadata", "generateName")).toBe("gen-");
  });

  contract("a name and a namespace must be right", async (api) => {
    const why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and " +
      "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    expect(await refusal(api.create("jobsets", jobSet("A_b")))).toEqual({
      status: 422,
      reason: "Invalid",
      message: `JobSet.jobset.x-k8s.io "A_b" is invalid: metadata.name: Invalid value: "A_b": ${why}`,
      details: {
        name: "A_b",
        group: "jobset.x-k8s.io",
        kind: "JobSet",
        causes: [{ reason: "FieldValueInvalid", message: `Invalid value: "A_b": ${why}`, field: "metadata.name" }],
      },
    });
    expect((await refused(api.create("jobs", { ...job(""), metadata: {} })))?.message)
      .toBe('Job.batch "" is invalid: metadata.name: Required value: name or generateName is required');
    expect((await refused(api.create("jobs", job("a", { metadata: { namespace: "elsewhere" } }))))?.message)
      .toBe("the namespace of the provided object does not match the namespace sent on the request");
  });

  contract("what is not there is not found", async (api) => {
    const missing = {
      status: 404,
      reason: "NotFound",
      message: 'jobsets.jobset.x-k8s.io "a" not found',
      details: { name: "a", group: "jobset.x-k8s.io", kind: "jobsets" },
    };
    expect(await refusal(api.get("jobsets", "a"))).toEqual(missing);
    expect(await refusal(api.patch("jobsets", "a", { spec: {} }))).toEqual(missing);
    expect(await refusal(api.patch("jobsets", "a/status", { status: {} }))).toEqual(missing);
    expect(await refusal(api.delete("jobsets", "a"))).toEqual(missing);
    expect(await refusal(api.put("jobsets", "a", jobSet("a")))).toEqual(missing);
  });

  contract("resourceVersions rise, over all resources", async (api) => {
    const versions = [
      await api.create("jobs", job("a")),
      await api.create("leases", lease("a")),
      await api.patch("jobs", "a", { spec: { suspend: true } }),
      await api.create("jobsets", jobSet("a")),
      await api.list("services"),
    ].map((each) => Number(versionOf(each)));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions.slice(0, 4)).size).toBe(4);
  });

  contract("a PUT replaces the version that it names and no other", async (api) => {
    const made = await api.create("leases", lease("a", { holderIdentity: "x", leaseDurationSeconds: 15 }));
    const spec = { holderIdentity: "y", leaseDurationSeconds: 15 };
    const written = await api.put("leases", "a", { ...made, spec });
    expect(written["spec"]).toEqual(spec);
    expect(await refusal(api.put("leases", "a", { ...made, spec }))).toEqual({
      status: 409,
      reason: "Conflict",
      message: `Operation cannot be fulfilled on leases.coordination.k8s.io "a": ${MODIFIED}`,
      details: { name: "a", group: "coordination.k8s.io", kind: "leases" },
    });
    expect(await api.get("leases", "a")).toEqual(written);
  });

  contract("a PUT without a version: refused for a Lease and a JobSet, taken for a Job", async (api) => {
    await api.create("leases", lease("a"));
    const cause = "metadata.resourceVersion: Invalid value: 0: must be specified for an update";
    expect((await refused(api.put("leases", "a", lease("a"))))?.message)
      .toBe(`leases.coordination.k8s.io "a" is invalid: ${cause}`);
    await api.create("jobsets", jobSet("a"));
    expect((await refused(api.put("jobsets", "a", jobSet("a"))))?.message)
      .toBe(`jobsets.jobset.x-k8s.io "a" is invalid: ${cause}`);
    const made = await api.create("jobs", job("a"));
    const metadata = { ...asObject(made["metadata"]), resourceVersion: undefined };
    const spec = { ...asObject(made["spec"]), suspend: true };
    expect(at(await api.put("jobs", "a", { ...made, metadata, spec }), "spec", "suspend")).toBe(true);
  });

  contract("a PUT means the object of the uid that it names", async (api) => {
    const made = await api.create("jobsets", jobSet("a"));
    const other = { ...asObject(made["metadata"]), uid: "other" };
    const error = await refused(api.put("jobsets", "a", { ...made, metadata: other }));
    expect([error?.status, error?.reason]).toEqual([409, "Conflict"]);
    expect(error?.message).toEndWith(
      `Precondition failed: UID in precondition: other, UID in object meta: ${uidOf(made)}`,
    );
    expect(error?.message).toStartWith(
      'Operation cannot be fulfilled on jobsets.jobset.x-k8s.io "a": StorageError: invalid object, Code: 4',
    );
  });

  contract("a PUT of what is not there makes a Lease, under the name of its path alone", async (api) => {
    expect(nameOf(await api.put("leases", "a", lease("a")))).toBe("a");
    expect((await refused(api.put("leases", "a", lease("b"))))?.message)
      .toBe("the name of the object (b) does not match the name on the URL (a)");
  });

  contract("a PUT keeps what belongs to the server, and takes labels away that it does not have", async (api) => {
    const made = await api.create("jobsets", jobSet("a", {}, { labels: { a: "b" } }));
    const metadata = {
      ...asObject(made["metadata"]),
      labels: { c: "d" },
      generation: 44,
      creationTimestamp: null,
    };
    const written = await api.put("jobsets", "a", { ...made, metadata, status: { restarts: 5 } });
    expect(written).toEqual({
      ...made,
      metadata: { ...asObject(made["metadata"]), labels: { c: "d" }, resourceVersion: versionOf(written) },
    });
  });

  contract("a merge patch sets, replaces lists as a whole, and takes away by null", async (api) => {
    const tolerations = [{ key: "a", operator: "Exists" }, { key: "b", operator: "Exists" }];
    await api.create(
      "jobs",
      job("a", { metadata: { annotations: { x: "1", y: "2" } }, spec: { suspend: true }, podSpec: { tolerations } }),
    );
    const patched = await api.patch("jobs", "a", {
      metadata: { annotations: { x: null, z: "3" } },
      spec: {
        template: { spec: { tolerations: [{ key: "c", operator: "Exists" }], nodeSelector: { q: "r", s: null } } },
      },
    });
    expect(at(patched, "metadata", "annotations")).toEqual({ y: "2", z: "3" });
    expect(at(patched, "spec", "template", "spec", "tolerations")).toEqual([{ key: "c", operator: "Exists" }]);
    expect(at(patched, "spec", "template", "spec", "nodeSelector")).toEqual({ q: "r" });
  });

  contract("a patch that names a version is refused if that has changed", async (api) => {
    const made = await api.create("jobsets", jobSet("a"));
    const first = { metadata: { resourceVersion: versionOf(made) }, spec: { suspend: true } };
    await api.patch("jobsets", "a", first);
    const conflict = {
      status: 409,
      reason: "Conflict",
      message: `Operation cannot be fulfilled on jobsets.jobset.x-k8s.io "a": ${MODIFIED}`,
      details: { name: "a", group: "jobset.x-k8s.io", kind: "jobsets" },
    };
    expect(await refusal(api.patch("jobsets", "a", first))).toEqual(conflict);
    const { resourceVersion } = first.metadata;
    // As our controller writes a status.
    const metadata = { uid: uidOf(made), resourceVersion };
    expect(await refusal(api.patch("jobsets", "a/status", { metadata, status: { restarts: 1 } }))).toEqual(conflict);
    const both = { metadata: { uid: "other", resourceVersion }, status: { restarts: 1 } };
    expect(await refusal(api.patch("jobsets", "a/status", both))).toEqual(conflict);
  });

  contract(
    "a patch that names another uid is invalid, but for the status of a JobSet, which looks at none",
    async (api) => {
      const other = { metadata: { uid: "other" } };
      await api.create("jobsets", jobSet("a"));
      const cause = {
        reason: "FieldValueInvalid",
        message: 'Invalid value: "other": field is immutable',
        field: "metadata.uid",
      };
      expect(await refusal(api.patch("jobsets", "a", { ...other, spec: { suspend: true } }))).toEqual({
        status: 422,
        reason: "Invalid",
        message: 'JobSet.jobset.x-k8s.io "a" is invalid: metadata.uid: Invalid value: "other": field is immutable',
        details: { name: "a", group: "jobset.x-k8s.io", kind: "JobSet", causes: [cause, cause] },
      });
      const status = await api.patch("jobsets", "a/status", { ...other, status: { restarts: 1 } });
      expect(at(status, "status", "restarts")).toBe(1);
      await api.create("jobs", job("a"));
      expect(await refusalCode(api.patch("jobs", "a", { ...other, spec: { suspend: true } }))).toBe("422 Invalid");
      expect((await refused(api.patch("jobs", "a/status", { ...other, status: { active: 1 } })))?.message)
        .toBe('Job.batch "a" is invalid: metadata.uid: Invalid value: "other": field is immutable');
    },
  );

  contract("a JSON patch adds, replaces, removes and tests, all of it or nothing", async (api) => {
    const made = await api.create(
      "jobs",
      job("a", { spec: { suspend: true }, metadata: { annotations: { "a/b": "1" } } }),
    );
    const patched = await api.patch("jobs", "a", [
      { op: "test", path: "/metadata/uid", value: uidOf(made) },
      { op: "test", path: "/metadata/nothing", value: null },
      { op: "replace", path: "/metadata/annotations/a~1b", value: "2" },
      { op: "replace", path: "/metadata/annotations/new", value: "4" },
      { op: "add", path: "/metadata/annotations/c", value: "3" },
      { op: "add", path: "/spec/template/spec/tolerations", value: [{ key: "b", operator: "Exists" }] },
      { op: "add", path: "/spec/template/spec/tolerations/0", value: { key: "a", operator: "Exists" } },
      { op: "add", path: "/spec/template/spec/tolerations/-", value: { key: "c", operator: "Exists" } },
      { op: "remove", path: "/spec/template/spec/tolerations/1" },
      { op: "test", path: "/spec/template/spec/containers/0/name", value: "main" },
    ], "json");
    expect(at(patched, "metadata", "annotations")).toEqual({ "a/b": "2", c: "3", new: "4" });
    expect(at(patched, "spec", "template", "spec", "tolerations")).toEqual([
      { key: "a", operator: "Exists" },
      { key: "c", operator: "Exists" },
    ]);
    const failing = [
      [{ op: "test", path: "/metadata/uid", value: "other" }],
      [{ op: "add", path: "/metadata/nothing/x", value: "1" }],
      [{ op: "remove", path: "/metadata/annotations/x" }],
      [{ op: "replace", path: "/metadata/nothing/x", value: "1" }],
      [{ op: "add", path: "/spec/template/spec/containers/7/image", value: "1" }],
      [{ op: "zap", path: "/spec" }],
    ];
    for (const operations of failing) {
      const late = [{ op: "add", path: "/spec/suspend", value: false }, ...operations];
      expect(await refusal(api.patch("jobs", "a", late, "json"))).toEqual(PATCH_FAILED);
    }
    expect(await api.get("jobs", "a")).toEqual(patched);
    expect(await refusalCode(api.patch("jobs", "a", { op: "add" }, "json"))).toBe("400 BadRequest");
  });

  contract("a write that changes nothing keeps the version, and no watch hears of it", async (api) => {
    const made = await api.create("jobsets", jobSet("a", { network: { subdomain: "s" } }, { labels: { a: "b" } }));
    // The first patch of a client may change managedFields.
    const first = await api.patch("jobsets", "a", { spec: { network: { subdomain: "s" } } });
    expect(await api.patch("jobsets", "a", { metadata: { labels: { a: "b", c: null } } })).toEqual(first);
    expect(await api.put("jobsets", "a", first)).toEqual(first);
    const status = await api.patch("jobsets", "a/status", { status: { restarts: 1 } });
    const watch = await api.watch("jobsets", { resourceVersion: versionOf(status) });
    expect(await api.patch("jobsets", "a/status", { status: { restarts: 1 } })).toEqual(status);
    const changed = await api.patch("jobsets", "a/status", { status: { restarts: 2 } });
    expect(await watch.next()).toEqual({ type: "MODIFIED", object: changed });
    watch.close();
    expect(uidOf(changed)).toBe(uidOf(made));
  });

  contract("a change of the spec is a new generation; labels and status are none", async (api) => {
    const made = await api.create("jobs", job("a", { spec: { suspend: true } }));
    expect(generationOf(made)).toBe(1);
    expect(generationOf(await api.patch("jobs", "a", { metadata: { labels: { a: "b" } } }))).toBe(1);
    expect(generationOf(await api.patch("jobs", "a/status", { status: { active: 1 } }))).toBe(1);
    expect(generationOf(await api.patch("jobs", "a", { spec: { suspend: false } }))).toBe(2);
    expect(generationOf(await api.create("leases", lease("a")))).toBeUndefined();
    await api.create("jobsets", jobSet("a"));
    expect(generationOf(await api.patch("jobsets", "a", { spec: { suspend: true } }))).toBe(2);
    expect(generationOf(await api.patch("jobsets", "a/status", { status: { restarts: 1 } }))).toBe(2);
    expect(generationOf(await api.patch("jobsets", "a", { metadata: { annotations: { a: "b" } } }))).toBe(2);
  });

  contract("the status is written by itself: of a JobSet nothing else, of a Job labels as well", async (api) => {
    const metadata = { labels: { a: "b" }, annotations: { c: "d" }, finalizers: ["example.com/stay"] };
    const made = await api.create("jobsets", jobSet("a", { replicatedJobs: [group("x")] }));
    const patch = { metadata, spec: { suspend: true }, status: { restarts: 1, conditions: [condition("Suspended")] } };
    const written = await api.patch("jobsets", "a/status", patch);
    expect(written).toEqual({
      ...made,
      metadata: { ...asObject(made["metadata"]), resourceVersion: versionOf(written) },
      status: patch.status,
    });
    const ignored = await api.patch("jobsets", "a", { status: { restarts: 7 }, spec: { suspend: true } });
    expect(ignored["status"]).toEqual(patch.status);
    await api.create("jobs", job("a"));
    const status = { active: 1 };
    const marked = await api.patch("jobs", "a/status", { metadata, spec: { suspend: true }, status });
    expect(marked).toMatchObject({ metadata, spec: { suspend: false }, status });
    expect(generationOf(marked)).toBe(1);
    expect(at(await api.patch("jobs", "a", { status: { active: 3 } }), "status")).toEqual(status);
  });

  contract("a status that is taken away is gone", async (api) => {
    await api.create("jobsets", jobSet("a"));
    await api.patch("jobsets", "a/status", { status: { restarts: 1, terminalState: "Failed" } });
    const less = await api.patch("jobsets", "a/status", { status: { terminalState: null } });
    expect(less["status"]).toEqual({ restarts: 1 });
    expect(await api.patch("jobsets", "a/status", { status: null })).not.toHaveProperty("status");
  });

  contract("metadata alone is what asks for it gets", async (api) => {
    const made = await api.create("jobsets", jobSet("a", {}, { labels: { a: "b" } }));
    const partial = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: made["metadata"] };
    expect(await api.metadata("jobsets", "a")).toEqual(partial);
    expect(await api.metadataList("jobsets")).toEqual({
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion: expect.any(String) },
      items: [partial],
    });
    const service = await api.create("services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s" },
      spec: { clusterIP: "None", selector: { a: "b" } },
    });
    expect(at(await api.metadata("services", "s"), "metadata")).toEqual(service["metadata"]);
  });

  contract("a Lease is made, renewed and given back as our election does it", async (api) => {
    const spec = { holderIdentity: "me", leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z" };
    const made = await api.create("leases", lease("a", spec));
    expect(made["spec"]).toEqual(spec);
    const renewed = await api.put("leases", "a", {
      ...made,
      spec: { ...spec, renewTime: "2026-01-01T00:00:02.500000Z" },
    });
    expect(await refusalCode(api.put("leases", "a", { ...made, spec }))).toBe("409 Conflict");
    const freed = await api.put("leases", "a", {
      ...renewed,
      spec: { ...spec, leaseDurationSeconds: 1, holderIdentity: "" },
    });
    expect(at(freed, "spec", "leaseDurationSeconds")).toBe(1);
  });
}
