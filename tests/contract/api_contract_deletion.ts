/** Deleting: preconditions, finalizers, the three propagation policies with the garbage collector's part, the grace of Pods. */
import { expect } from "bun:test";
import { asArray, asObject, at, type JsonObject } from "../../src/base/json.ts";
import { forceDeletePod } from "../../src/apply/requests.ts";
import { type Api, type Contract, generationOf, refusal, refused, uidOf, versionOf } from "./api_contract.ts";
import { condition, job, jobSet, lease, owner, pod, POLICY } from "./api_contract_objects.ts";

const STAY = "example.com/stay";

export function deletionContract(contract: Contract): void {
  contract("what nothing holds is gone at once, and a Status says so", async (api) => {
    const made = await api.create("jobsets", jobSet("a"));
    expect(await api.delete("jobsets", "a", POLICY("Background"))).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "a", group: "jobset.x-k8s.io", kind: "jobsets", uid: uidOf(made) },
    });
    expect((await refused(api.get("jobsets", "a")))?.status).toBe(404);
    expect(uidOf(await api.create("jobsets", jobSet("a")))).not.toBe(uidOf(made));
    const held = await api.create("leases", lease("a"));
    expect(at(await api.delete("leases", "a"), "details", "uid")).toBe(uidOf(held));
  });

  contract("a Service that is deleted is answered with itself, under the version of its deletion", async (api) => {
    const body = { apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec: { clusterIP: "None" } };
    const made = await api.create("services", body);
    const gone = await api.delete("services", "s");
    expect(uidOf(gone)).toBe(uidOf(made));
    expect(gone["kind"]).toBe("Service");
    expect(Number(versionOf(gone))).toBeGreaterThan(Number(versionOf(made)));
  });

  contract("a delete means the uid and the version that it names", async (api) => {
    const made = await api.create("jobs", job("a"));
    const conflict = (why: string) => ({
      status: 409,
      reason: "Conflict",
      message: `Operation cannot be fulfilled on Job.batch "a": ${why}`,
      details: { name: "a", group: "batch", kind: "Job" },
    });
    expect(await refusal(api.delete("jobs", "a", { ...POLICY("Foreground"), preconditions: { uid: "other" } })))
      .toEqual(
        conflict(
          `the UID in the precondition (other) does not match the UID in record (${uidOf(made)}). ` +
            "The object might have been deleted and then recreated",
        ),
      );
    expect(await refusal(api.delete("jobs", "a", { preconditions: { resourceVersion: "1" } }))).toEqual(
      conflict(
        `the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${
          versionOf(made)
        }). ` +
          "The object might have been modified",
      ),
    );
    expect(await api.get("jobs", "a")).toEqual(made);
    const deleted = await api.delete("jobs", "a", { ...POLICY("Background"), preconditions: { uid: uidOf(made) } });
    expect(deleted["status"]).toBe("Success");
  });

  contract("a policy that is none is refused", async (api) => {
    await api.create("jobs", job("a"));
    expect((await refused(api.delete("jobs", "a", POLICY("Zap"))))?.message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Zap": ' +
        'supported values: "Foreground", "Background", "Orphan", "nil"',
    );
  });

  contract("a finalizer holds an object that is being deleted, until it is taken away", async (api) => {
    const made = await api.create("jobs", job("a", { metadata: { finalizers: [STAY] } }));
    const marked = await api.delete("jobs", "a", POLICY("Background"));
    expect(marked).toEqual({
      ...made,
      metadata: {
        ...asObject(made["metadata"]),
        resourceVersion: expect.any(String),
        generation: 2,
        deletionTimestamp: expect.stringMatching(/Z$/),
        deletionGracePeriodSeconds: 0,
      },
    });
    expect(versionOf(marked)).not.toBe(versionOf(made));
    expect(await api.delete("jobs", "a", POLICY("Background"))).toEqual(marked);
    const cause =
      "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found " +
      'new finalizers []string{"example.com/more"}';
    const more = { metadata: { finalizers: [STAY, "example.com/more"] } };
    expect((await refused(api.patch("jobs", "a", more)))?.message).toBe(`Job.batch "a" is invalid: ${cause}`);
    // What is being deleted can still be changed.
    expect(generationOf(await api.patch("jobs", "a", { spec: { suspend: true } }))).toBe(3);
    const watch = await api.watch("jobs", { resourceVersion: versionOf(await api.get("jobs", "a")) });
    const released = await api.patch("jobs", "a", { metadata: { finalizers: null } });
    expect(at(released, "metadata", "finalizers")).toBeUndefined();
    expect((await refused(api.get("jobs", "a")))?.status).toBe(404);
    const { type, object } = await watch.next();
    watch.close();
    // The watch tells of it as it was stored, under the version of its deletion.
    expect([type, at(object, "metadata", "finalizers")]).toEqual(["DELETED", [STAY]]);
    expect(Number(versionOf(object))).toBeGreaterThan(Number(versionOf(released)));
  });

  contract("Foreground and Orphan are finalizers, and the last policy wins", async (api) => {
    await api.create("jobs", job("a", { metadata: { finalizers: [STAY] } }));
    const finalizers = async (propagation: string) =>
      asArray(at(await api.delete("jobs", "a", POLICY(propagation)), "metadata", "finalizers"));
    expect(await finalizers("Foreground")).toContain("foregroundDeletion");
    // The garbage collector may have taken its own away already; ours keeps the Job.
    expect(await finalizers("Orphan")).not.toContain("foregroundDeletion");
    expect(await finalizers("Background")).toEqual([STAY]);
    expect(generationOf(await api.get("jobs", "a"))).toBe(2);
    await api.patch("jobs", "a", { metadata: { finalizers: [] } });
    await api.gone("jobs", "a");
  });

  contract("a Job that is deleted without a policy orphans its Pods; a JobSet does not wait", async (api) => {
    await api.create("jobs", job("a", { metadata: { finalizers: [STAY] } }));
    const deleted = await api.delete("jobs", "a");
    expect(asArray(at(deleted, "metadata", "finalizers"))).toEqual([STAY, "orphan"]);
    await api.patch("jobs", "a", { metadata: { finalizers: null } });
    await api.create("jobsets", jobSet("a"));
    expect((await api.delete("jobsets", "a"))["status"]).toBe("Success");
  });

  contract(
    "an object cannot be controlled by two owners, nor kept by a finalizer that a status brings",
    async (api) => {
      const made = await api.create("jobsets", jobSet("a"));
      const written = await api.patch("jobsets", "a/status", {
        metadata: { finalizers: [STAY] },
        status: { restarts: 1 },
      });
      expect(at(written, "metadata", "finalizers")).toBeUndefined();
      const [one, two] = [
        owner(made, { controller: true }),
        owner(made, { uid: "other", name: "b", controller: true }),
      ];
      const error = await refused(api.create("jobs", job("a", { metadata: { ownerReferences: [one, two] } })));
      expect(error?.message).toEndWith(
        'Only one reference can have Controller set to true. Found "true" in references for JobSet/a and JobSet/b',
      );
    },
  );

  collectionContract(contract);
  graceContract(contract);
}

/** Where the garbage collector has its part. */
function collectionContract(contract: Contract): void {
  const family = async (api: Api, finalizers: readonly string[] = []): Promise<JsonObject> => {
    const parent = await api.create("jobsets", jobSet("a"));
    const reference = owner(parent, { controller: true, blockOwnerDeletion: true });
    for (const name of ["one", "two"]) {
      await api.create("jobs", job(name, { metadata: { ownerReferences: [reference], finalizers } }));
    }
    return parent;
  };

  contract("Foreground: the dependents go first, and the owner once they are gone", async (api) => {
    await family(api, [STAY]);
    const deleted = await api.delete("jobsets", "a", POLICY("Foreground"));
    expect(at(deleted, "metadata", "finalizers")).toEqual(["foregroundDeletion"]);
    for (const name of ["one", "two"]) {
      await api.until("the dependents to be deleted", async () => {
        return at(await api.get("jobs", name), "metadata", "deletionTimestamp") !== undefined;
      });
      expect(uidOf(await api.get("jobsets", "a"))).toBe(uidOf(deleted));
      await api.patch("jobs", name, { metadata: { finalizers: null } });
    }
    await api.gone("jobsets", "a");
    await api.gone("jobs", "one");
  });

  contract("Background: the owner is gone at once, its dependents soon", async (api) => {
    await family(api);
    expect((await api.delete("jobsets", "a", POLICY("Background")))["status"]).toBe("Success");
    await api.gone("jobs", "one");
    await api.gone("jobs", "two");
  });

  contract("Orphan: the dependents stay, without their owner", async (api) => {
    await family(api);
    // What the garbage collector has not seen yet it does not orphan, and collects later. It sees Jobs in their order.
    const lost = { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", name: "lost", uid: crypto.randomUUID() };
    await api.create("jobs", job("seen", { metadata: { ownerReferences: [lost] } }));
    await api.gone("jobs", "seen");
    await api.delete("jobsets", "a", POLICY("Orphan"));
    await api.gone("jobsets", "a");
    for (const name of ["one", "two"]) {
      expect(at(await api.get("jobs", name), "metadata", "ownerReferences")).toBeUndefined();
    }
  });

  contract("what is made for an owner that is gone is collected; a namesake is no owner", async (api) => {
    const old = await family(api);
    await api.delete("jobsets", "a", POLICY("Background"));
    const young = await api.create("jobsets", jobSet("a"));
    const late = (name: string, parent: JsonObject) =>
      api.create("jobs", job(name, { metadata: { ownerReferences: [owner(parent, { controller: true })] } }));
    await late("late", old);
    await late("right", young);
    await api.gone("jobs", "late");
    await api.gone("jobs", "one");
    expect(at(await api.get("jobs", "right"), "metadata", "deletionTimestamp")).toBeUndefined();
  });
}

function graceContract(contract: Contract): void {
  const bound = async (api: Api, name: string, spec: JsonObject = {}): Promise<JsonObject> => {
    await api.create("pods", pod(name, spec));
    await api.send({
      method: "POST",
      path: api.path("pods", `${name}/binding`),
      body: { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: "nowhere" } },
    });
    return await api.get("pods", name);
  };

  contract("a Pod without a Node is gone at once; a Job's Pod stays for its finalizer", async (api) => {
    await api.create("pods", pod("a"));
    expect((await api.delete("pods", "a"))["kind"]).toBe("Pod");
    expect((await refused(api.get("pods", "a")))?.status).toBe(404);
    const { metadata, ...rest } = pod("b");
    await api.create("pods", { ...rest, metadata: { ...asObject(metadata), finalizers: [STAY] } });
    expect(at(await api.delete("pods", "b"), "metadata", "deletionGracePeriodSeconds")).toBe(0);
    await api.patch("pods", "b", { metadata: { finalizers: null } });
    await api.gone("pods", "b");
  });

  contract("a Pod on a Node gets its grace, and goes when its kubelet says so", async (api) => {
    await bound(api, "a", { terminationGracePeriodSeconds: 20 });
    const asked = await api.delete("pods", "a");
    expect(at(asked, "metadata", "deletionGracePeriodSeconds")).toBe(20);
    expect(generationOf(asked)).toBe(2);
    const left = Date.parse(String(at(asked, "metadata", "deletionTimestamp"))) - Date.now();
    expect(left).toBeGreaterThan(10_000);
    expect(left).toBeLessThan(21_000);
    expect(await api.delete("pods", "a")).toEqual(asked);
    const shorter = await api.delete("pods", "a", { gracePeriodSeconds: 10 });
    expect(at(shorter, "metadata", "deletionGracePeriodSeconds")).toBe(10);
    expect(await api.delete("pods", "a", { gracePeriodSeconds: 15 })).toEqual(shorter);
    const watch = await api.watch("pods", { resourceVersion: versionOf(shorter) });
    await api.delete("pods", "a", { gracePeriodSeconds: 0, preconditions: { uid: uidOf(asked) } });
    expect(await watch.names(2)).toEqual(["MODIFIED a", "DELETED a"]);
    watch.close();
    await api.gone("pods", "a");
  });

  contract(
    "a Pod that is forced does not wait for its kubelet, and one that has ended has none to wait for",
    async (api) => {
      const made = await bound(api, "a");
      const { method, path, body } = forceDeletePod(api.namespace, { name: "a", uid: uidOf(made) });
      expect(uidOf(await api.send({ method, path, body }))).toBe(uidOf(made));
      expect((await refused(api.get("pods", "a")))?.status).toBe(404);
      await bound(api, "b");
      await api.patch("pods", "b/status", { status: { phase: "Failed" } });
      await api.delete("pods", "b");
      expect((await refused(api.get("pods", "b")))?.status).toBe(404);
    },
  );

  contract("a Pod is bound once, and not moved", async (api) => {
    const made = await bound(api, "a");
    expect(at(made, "spec", "nodeName")).toBe("nowhere");
    const types = asArray(at(made, "status", "conditions")).map((each) => at(each, "type"));
    expect(types).toContain("PodScheduled");
    const again = api.send({
      method: "POST",
      path: api.path("pods", "a/binding"),
      body: { apiVersion: "v1", kind: "Binding", metadata: { name: "a" }, target: { kind: "Node", name: "other" } },
    });
    expect(await refusal(again)).toEqual({
      status: 409,
      reason: "Conflict",
      message: 'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "nowhere"',
      details: { name: "a", kind: "pods/binding" },
    });
    const moved = await refused(api.patch("pods", "a", { spec: { nodeSelector: { a: "b" } } }));
    expect(moved?.message).toStartWith(
      'Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than',
    );
  });

  contract("conditions of a Pod are merged by their types", async (api) => {
    const made = await bound(api, "a");
    const patch = {
      metadata: { uid: uidOf(made) },
      status: { phase: "Running", conditions: [condition("Ready"), condition("Initialized")] },
    };
    await api.patch("pods", "a/status", patch, "strategic");
    const one = { status: { conditions: [{ type: "Ready", status: "False" }] } };
    const merged = asArray(at(await api.patch("pods", "a/status", one, "strategic"), "status", "conditions"));
    expect(merged.map((each) => `${at(each, "type")} ${at(each, "status")} ${at(each, "reason") ?? ""}`)).toEqual([
      "Ready False Reason",
      "Initialized True Reason",
      "PodScheduled True ",
    ]);
  });
}
