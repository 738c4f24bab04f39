/** Lists and watches: selectors, pages, initial events, bookmarks, and versions that are too old or too new. */
import { expect } from "bun:test";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Api, type Contract, nameOf, refusal, refusalCode, refused, versionOf } from "./api_contract.ts";
import { job, jobSet, lease, pod, POLICY } from "./api_contract_objects.ts";

const INITIAL = { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: "true" };

export function readsContract(contract: Contract): void {
  listsContract(contract);
  watchContract(contract);
  versionsContract(contract);
}

function names(list: JsonObject): readonly string[] {
  return asArray(list["items"]).map(nameOf);
}

async function leases(api: Api, ...made: readonly string[]): Promise<void> {
  for (const name of made) await api.create("leases", lease(name));
}

function listsContract(contract: Contract): void {
  contract("a list is sorted by name, and its entries of built-in kinds name none", async (api) => {
    await leases(api, "b", "c", "a");
    const made = await api.get("leases", "b");
    const list = await api.list("leases");
    expect(list).toMatchObject({ kind: "LeaseList", apiVersion: "coordination.k8s.io/v1" });
    expect(names(list)).toEqual(["a", "b", "c"]);
    const { kind: _, apiVersion: __, ...rest } = made;
    expect(asArray(list["items"])[1]).toEqual(rest);
    await api.create("jobsets", jobSet("a"));
    expect(asArray((await api.list("jobsets"))["items"])).toEqual([await api.get("jobsets", "a")]);
  });

  const selectors: readonly (readonly [string, readonly string[]])[] = [
    ["app=web", ["both", "web"]],
    ["app==web", ["both", "web"]],
    ["app!=web", ["bare", "db"]],
    ["app in (web, db)", ["both", "db", "web"]],
    ["app notin (web,db)", ["bare"]],
    ["app", ["both", "db", "web"]],
    ["!app", ["bare"]],
    ["app=web,tier", ["both"]],
    ["app in (web,db),!tier", ["db", "web"]],
    ["example.com/key=value", ["both"]],
    ["app=", []],
  ];
  contract("labels select", async (api) => {
    const labels: Readonly<Record<string, JsonObject>> = {
      web: { app: "web" },
      db: { app: "db" },
      both: { app: "web", tier: "x", "example.com/key": "value" },
      bare: {},
    };
    for (const [name, each] of Object.entries(labels)) await api.create("leases", lease(name, {}, { labels: each }));
    for (const [labelSelector, expected] of selectors) {
      expect([labelSelector, names(await api.list("leases", { labelSelector }))]).toEqual([labelSelector, expected]);
    }
    expect(await refusalCode(api.list("leases", { labelSelector: "a in" }))).toBe("400 BadRequest");
  });

  contract("fields select, as far as a resource offers them", async (api) => {
    await leases(api, "a", "b");
    expect(names(await api.list("leases", { fieldSelector: "metadata.name=a" }))).toEqual(["a"]);
    expect(names(await api.list("leases", { fieldSelector: "metadata.name!=a" }))).toEqual(["b"]);
    const namespaced = `metadata.namespace=${api.namespace},metadata.name=b`;
    expect(names(await api.list("leases", { fieldSelector: namespaced }))).toEqual(["b"]);
    await api.create("jobsets", jobSet("a"));
    expect(names(await api.list("jobsets", { fieldSelector: "metadata.name=a" }))).toEqual(["a"]);
    expect((await refused(api.list("jobsets", { fieldSelector: "spec.foo=a" })))?.message)
      .toBe("field label not supported: spec.foo");
    await api.create("pods", pod("p"));
    expect(names(await api.list("pods", { fieldSelector: "status.phase=Pending,spec.nodeName=" }))).toEqual(["p"]);
    expect(names(await api.list("pods", { fieldSelector: "status.phase=Running" }))).toEqual([]);
  });

  contract("the pages of a list are of one moment", async (api) => {
    await leases(api, "a", "b", "c");
    const first = await api.list("leases", { limit: "2" });
    expect(names(first)).toEqual(["a", "b"]);
    expect(at(first, "metadata", "remainingItemCount")).toBe(1);
    await leases(api, "bb", "d");
    await api.delete("leases", "c");
    const token = asString(at(first, "metadata", "continue")) ?? "";
    const second = await api.list("leases", { limit: "2", continue: token });
    expect(names(second)).toEqual(["c"]);
    expect(second["metadata"]).toEqual({ resourceVersion: versionOf(first) });
    expect(names(await api.list("leases", { limit: "9" }))).toEqual(["a", "b", "bb", "d"]);
    expect((await refused(api.list("leases", { continue: token, resourceVersion: "5" })))?.message)
      .toBe("specifying resource version is not allowed when using continue");
    expect(await refusalCode(api.list("leases", { continue: "abc" }))).toBe("400 BadRequest");
  });

  contract("a page of a moment that is forgotten is gone", async (api) => {
    for (const name of ["a", "b", "c"]) await api.create("jobsets", jobSet(name));
    const first = await api.list("jobsets", { limit: "1" });
    const token = asObject(JSON.parse(atob(asString(at(first, "metadata", "continue")) ?? ""))) ?? {};
    expect(token["rv"]).toBe(Number(versionOf(first)));
    await api.create("jobsets", jobSet("d"));
    await api.compact();
    // Of a moment so long ago that no cache has it either: JobSets come late into a cluster's life.
    const old = btoa(JSON.stringify({ ...token, rv: 2 })).replace(/=+$/, "");
    const error = await refused(api.list("jobsets", { limit: "1", continue: old }));
    expect([error?.status, error?.reason]).toEqual([410, "Expired"]);
    expect(error?.message).toStartWith(
      "The provided continue parameter is too old to display a consistent list result.",
    );
    expect(await refusalCode(api.list("jobsets", { resourceVersion: "2", resourceVersionMatch: "Exact" })))
      .toBe("410 Expired");
  });
}

function watchContract(contract: Contract): void {
  contract("a watch goes on from the version that it names", async (api) => {
    const made = await api.create("jobsets", jobSet("a"));
    const changed = await api.patch("jobsets", "a", { spec: { suspend: true } });
    const watch = await api.watch("jobsets", { resourceVersion: versionOf(made) });
    const status = await api.patch("jobsets", "a/status", { status: { restarts: 1 } });
    expect(await watch.next()).toEqual({ type: "MODIFIED", object: changed });
    expect(await watch.next()).toEqual({ type: "MODIFIED", object: status });
    await api.delete("jobsets", "a", POLICY("Background"));
    const added = await api.create("jobsets", jobSet("b"));
    const { type, object } = await watch.next();
    expect(type).toBe("DELETED");
    const { metadata: _, ...rest } = status;
    expect(object).toMatchObject(rest);
    expect(Number(versionOf(object))).toBeGreaterThan(Number(versionOf(status)));
    expect(Number(versionOf(object))).toBeLessThan(Number(versionOf(added)));
    expect(await watch.next()).toEqual({ type: "ADDED", object: added });
    watch.close();
  });

  contract("initial events: all there is, a marked bookmark, then what happens", async (api) => {
    const [one, two] = [await api.create("jobs", job("a")), await api.create("jobs", job("b"))];
    const watch = await api.watch("jobs", INITIAL);
    expect(await watch.next()).toEqual({ type: "ADDED", object: one });
    expect(await watch.next()).toEqual({ type: "ADDED", object: two });
    const mark = await watch.next();
    expect(mark.type).toBe("BOOKMARK");
    expect(mark.object).toMatchObject({
      kind: "Job",
      apiVersion: "batch/v1",
      metadata: { annotations: { "k8s.io/initial-events-end": "true" } },
    });
    expect(Number(versionOf(mark.object))).toBeGreaterThanOrEqual(Number(versionOf(two)));
    const three = await api.create("jobs", job("c"));
    expect(await watch.next()).toEqual({ type: "ADDED", object: three });
    watch.close();
    // The mark's version is one to go on from.
    const next = await api.watch("jobs", { resourceVersion: versionOf(mark.object) });
    expect(await next.next()).toEqual({ type: "ADDED", object: three });
    next.close();
  });

  contract("initial events of nothing: the bookmark alone, for a JobSet as for a Service", async (api) => {
    for (const resource of ["jobsets", "services"] as const) {
      const watch = await api.watch(resource, INITIAL);
      const { type, object } = await watch.next();
      expect([type, at(object, "metadata", "annotations")]).toEqual([
        "BOOKMARK",
        { "k8s.io/initial-events-end": "true" },
      ]);
      watch.close();
    }
  });

  contract("initial events need to be asked for in the right way", async (api) => {
    const watch = api.watch("jobs", { sendInitialEvents: "true", allowWatchBookmarks: "true" });
    expect(await refusal(watch)).toEqual({
      status: 422,
      reason: "Invalid",
      message: 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires ' +
        "setting resourceVersionMatch to NotOlderThan",
      details: {
        group: "meta.k8s.io",
        kind: "ListOptions",
        causes: [{
          reason: "FieldValueForbidden",
          message: "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
          field: "resourceVersionMatch",
        }],
      },
    });
  });

  contract("a watch without a version begins with what is there", async (api) => {
    await leases(api, "a", "b");
    for (const query of [{}, { resourceVersion: "0" }]) {
      const watch = await api.watch("leases", query);
      expect(await watch.names(2)).toEqual(["ADDED a", "ADDED b"]);
      watch.close();
    }
  });

  contract("metadata alone can be watched, its bookmarks too", async (api) => {
    const made = await api.create("jobs", job("a"));
    const watch = await api.watch("jobs", INITIAL, { isMetadataOnly: true });
    const object = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: made["metadata"] };
    expect(await watch.next()).toEqual({ type: "ADDED", object });
    expect((await watch.next()).object).toEqual({
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion: expect.any(String), annotations: { "k8s.io/initial-events-end": "true" } },
    });
    watch.close();
  });

  contract("what comes into a selection is added; what leaves it is deleted, as it was", async (api) => {
    const version = versionOf(await api.list("jobs"));
    const watch = await api.watch("jobs", { resourceVersion: version, labelSelector: "x=y" });
    await api.create("jobs", job("a"));
    const label = (x: string | null) => api.patch("jobs", "a", { metadata: { labels: { x } } });
    await label("y");
    const last = await api.patch("jobs", "a", { metadata: { annotations: { c: "d" } } });
    const left = await label("z");
    await label("y");
    await api.delete("jobs", "a", POLICY("Background"));
    expect(await watch.names(2)).toEqual(["ADDED a", "MODIFIED a"]);
    const { type, object } = await watch.next();
    expect(type).toBe("DELETED");
    expect(at(object, "metadata", "labels")).toEqual(at(last, "metadata", "labels"));
    expect(versionOf(object)).toBe(versionOf(left));
    expect(await watch.names(2)).toEqual(["ADDED a", "DELETED a"]);
    watch.close();
  });

  contract("a watch of one name, as our election has it", async (api) => {
    await leases(api, "a", "b");
    const watch = await api.watch("leases", { ...INITIAL, fieldSelector: "metadata.name=b" });
    expect(await watch.names(2)).toEqual(["ADDED b", "BOOKMARK "]);
    await leases(api, "c");
    await api.delete("leases", "b");
    expect(await watch.names(1)).toEqual(["DELETED b"]);
    watch.close();
  });

  contract("of Pods a watch can select by Node and phase", async (api) => {
    const version = versionOf(await api.list("pods"));
    const watch = await api.watch("pods", { resourceVersion: version, fieldSelector: "status.phase=Running" });
    await api.create("pods", pod("a"));
    await api.patch("pods", "a/status", { status: { phase: "Running" } });
    await api.patch("pods", "a/status", { status: { phase: "Succeeded" } });
    expect(await watch.names(2)).toEqual(["ADDED a", "DELETED a"]);
    watch.close();
  });
}

function versionsContract(contract: Contract): void {
  contract("a version of long ago is too old for a watch, and a line tells it", async (api) => {
    await api.create("jobsets", jobSet("a"));
    await api.compact();
    const watch = await api.watch("jobsets", { resourceVersion: "1" });
    const { type, object } = await watch.next();
    expect(type).toBe("ERROR");
    expect(object).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: expect.stringMatching(/^too old resource version: 1 \([1-9][0-9]*\)$/),
      reason: "Expired",
      code: 410,
    });
    watch.close();
  });

  contract("a version that is not reached yet: a read and initial events time out, a watch waits", async (api) => {
    await leases(api, "a");
    const future = "99999999";
    const refusals = [
      refused(api.list("leases", { resourceVersion: future })),
      refused(api.send({ method: "GET", path: api.path("leases", "a"), query: { resourceVersion: future } })),
    ];
    for (const error of await Promise.all(refusals)) {
      expect([error?.status, error?.reason]).toEqual([504, "Timeout"]);
      expect(error?.message).toStartWith(`Timeout: Too large resource version: ${future}, current: `);
      expect(error?.details).toEqual({
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        retryAfterSeconds: 1,
      });
    }
    const initial = await api.watch("leases", { ...INITIAL, resourceVersion: future });
    const { type, object } = await initial.next();
    expect([type, object["code"], object["reason"]]).toEqual(["ERROR", 504, "Timeout"]);
    initial.close();
    const soon = String(Number(versionOf(await api.list("leases"))) + 1_000_000);
    const patient = await api.watch("leases", { resourceVersion: soon });
    patient.close();
  });

  contract("a version that is none is refused", async (api) => {
    const error = await refused(api.watch("leases", { resourceVersion: "abc" }));
    expect(error?.status).toBe(500);
  });
}
