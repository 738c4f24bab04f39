/** What the simulated API server offers beyond the API: to actors, judges and whoever carries its watches. */
import { expect, test } from "bun:test";
import { DEFAULT_FEATURE_GATES } from "../../../src/api/feature_gates.ts";
import { asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { peekEvent } from "../../../src/watch/peek_event.ts";
import type { ServerAnswer, ServerRequest, ServerStream, Write } from "../types.ts";
import { nameOf, uidOf } from "./metadata.ts";
import { ServerRefusal } from "./server_refusal.ts";
import { SimServer } from "./sim_server.ts";

const NOW = Date.UTC(2030, 0, 1);
const JOBS = "/apis/batch/v1/namespaces/n/jobs";
const KEY = { namespace: "n", name: "a" };

function newServer(hasWebhooks = false): SimServer {
  return new SimServer({ now: () => NOW, hasWebhooks, gates: DEFAULT_FEATURE_GATES });
}

function job(name: string, metadata: JsonObject = {}): JsonObject {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "busybox" }] } };
  return { metadata: { name, namespace: "n", ...metadata }, spec: { template } };
}

function jobSet(spec: JsonObject = {}): JsonObject {
  return { metadata: { name: "a", namespace: "n" }, spec };
}

function request(path: string, more: Partial<ServerRequest> = {}): ServerRequest {
  return { method: "GET", path, query: {}, contentType: "", accept: "", body: undefined, user: "user", ...more };
}

function openWatch(server: SimServer, query: Readonly<Record<string, string>>): ServerStream {
  const stream = server.watch(request(JOBS, { query: { watch: "1", ...query } }));
  if ("text" in stream) throw new Error(`no watch: ${stream.text}`);
  return stream;
}

function lines(stream: ServerStream): readonly string[] {
  const all: string[] = [];
  for (let line = stream.next(); line !== undefined; line = stream.next()) {
    const event: unknown = JSON.parse(line);
    all.push(`${at(event, "type")} ${nameOf(asObject(at(event, "object")) ?? {})}`);
  }
  return all;
}

function bodyOf({ text }: ServerAnswer): JsonObject {
  return asObject(JSON.parse(text)) ?? {};
}

test("each write is told once, in order, with what was there before; what changes nothing is not told", () => {
  const server = newServer();
  const writes: Write[] = [];
  server.onWrite((write) => writes.push(write));
  const made = server.create("user", "jobs", job("a"));
  const status = { ...made, status: { active: 1 } };
  const active = server.update("job-controller", "jobs", status, "status");
  server.update("job-controller", "jobs", { ...active, status: { active: 1 } }, "status");
  server.remove("user", "jobs", KEY, { propagation: "Background" });
  expect(writes.map(({ verb, subresource, user, resourceVersion }) => [verb, subresource, user, resourceVersion]))
    .toEqual([
      ["create", undefined, "user", 101],
      ["update", "status", "job-controller", 102],
      ["delete", undefined, "user", 103],
    ]);
  expect([writes[0]?.after, writes[1]?.before, writes[1]?.after, writes[2]?.before])
    .toEqual([made, made, active, active]);
  expect(server.resourceVersion).toBe(103);
});

test("a listener that writes does not overtake the write that it hears of", () => {
  const server = newServer();
  server.onWrite(({ resource, after }) => {
    if (resource === "jobs" && nameOf(after ?? {}) === "a") server.create("job-controller", "jobs", job("b"));
  });
  const heard: string[] = [];
  server.onWrite(({ after }) => heard.push(nameOf(after ?? {})));
  const stream = openWatch(server, { resourceVersion: "100" });
  server.create("user", "jobs", job("a"));
  expect(heard).toEqual(["a", "b"]);
  expect(lines(stream)).toEqual(["ADDED a", "ADDED b"]);
});

test("actors are refused as clients are", () => {
  const server = newServer();
  const made = server.create("user", "jobs", job("a"));
  server.update("user", "jobs", { ...made, metadata: { ...asObject(made["metadata"]), labels: { a: "b" } } });
  const refusalOf = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      if (error instanceof ServerRefusal) return `${error.status} ${error.reason}`;
    }
    return "none";
  };
  expect(refusalOf(() => server.update("job-controller", "jobs", made, "status"))).toBe("409 Conflict");
  expect(refusalOf(() => server.create("user", "jobs", job("a")))).toBe("409 AlreadyExists");
  expect(refusalOf(() => server.remove("user", "jobs", KEY, { uid: "other" }))).toBe("409 Conflict");
  expect(refusalOf(() => server.remove("user", "jobs", { ...KEY, name: "b" }))).toBe("404 NotFound");
});

test("dependents are found by their owner's uid, for as long as they name it", () => {
  const server = newServer();
  const owner = uidOf(server.create("user", "jobsets", jobSet()));
  const ownerReferences = [{ apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", name: "a", uid: owner }];
  const one = server.create("user", "jobs", job("one", { ownerReferences }));
  server.create("user", "services", { metadata: { name: "two", namespace: "n", ownerReferences }, spec: {} });
  const found = () => [...server.ownedBy(owner)].map(({ resource, object }) => `${resource} ${nameOf(object)}`);
  expect(found()).toEqual(["jobs one", "services two"]);
  server.update("garbage-collector", "jobs", {
    ...one,
    metadata: { ...asObject(one["metadata"]), ownerReferences: [] },
  });
  expect(found()).toEqual(["services two"]);
  server.remove("user", "services", { namespace: "n", name: "two" });
  expect(found()).toEqual([]);
  expect([server.hasUid(owner), server.hasUid("other")]).toEqual([true, false]);
  server.remove("user", "jobsets", KEY);
  expect(server.hasUid(owner)).toBe(false);
});

test("a stream says when something is due, gives a bookmark when asked, and nothing once it is closed", () => {
  const server = newServer();
  const stream = openWatch(server, { resourceVersion: "100", allowWatchBookmarks: "true" });
  const plain = openWatch(server, { resourceVersion: "100" });
  let due = 0;
  stream.onDue(() => due++);
  expect(stream.next()).toBeUndefined();
  server.create("user", "leases", { metadata: { name: "l", namespace: "n" }, spec: {} });
  expect(due).toBe(0);
  server.create("user", "jobs", job("a"));
  expect(due).toBe(1);
  stream.bookmark();
  plain.bookmark();
  server.create("user", "jobs", job("b"));
  expect(lines(stream)).toEqual(["ADDED a", "BOOKMARK ", "ADDED b"]);
  expect(lines(plain)).toEqual(["ADDED a", "ADDED b"]);
  server.create("user", "jobs", job("c"));
  stream.close();
  server.create("user", "jobs", job("d"));
  expect(lines(stream)).toEqual([]);
});

test("a bookmark's version is the newest of all resources", () => {
  const server = newServer();
  const stream = openWatch(server, { resourceVersion: "100", allowWatchBookmarks: "true" });
  server.create("user", "leases", { metadata: { name: "l", namespace: "n" }, spec: {} });
  stream.bookmark();
  expect(at(JSON.parse(stream.next() ?? ""), "object", "metadata", "resourceVersion")).toBe("101");
});

test("compaction: older versions get 410, open watches go on, and so do those of the newest version", () => {
  const server = newServer();
  server.create("user", "jobs", job("a"));
  const open = openWatch(server, { resourceVersion: "100" });
  server.create("user", "jobs", job("b"));
  server.compact();
  expect(lines(open)).toEqual(["ADDED a", "ADDED b"]);
  const old = openWatch(server, { resourceVersion: "101" });
  expect(at(JSON.parse(old.next() ?? ""), "object", "code")).toBe(410);
  const current = openWatch(server, { resourceVersion: "102" });
  server.create("user", "jobs", job("c"));
  expect([lines(old), lines(current), lines(open)]).toEqual([[], ["ADDED c"], ["ADDED c"]]);
});

test("a page of a list from before a compaction is gone", () => {
  const server = newServer();
  for (const name of ["a", "b"]) server.create("user", "jobs", job(name));
  const first = bodyOf(server.handle(request(JOBS, { query: { limit: "1" } })));
  const token = asString(at(first, "metadata", "continue")) ?? "";
  const next = request(JOBS, { query: { limit: "1", continue: token } });
  expect(server.handle(next).status).toBe(200);
  server.compact();
  expect(server.handle(next).status).toBe(410);
});

test("with webhooks a JobSet gets our defaults and meets our rules", () => {
  const server = newServer(true);
  const path = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/n/jobsets";
  const send = (spec: JsonObject) => {
    const body = JSON.stringify({ apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", ...jobSet(spec) });
    return server.handle(request(path, { method: "POST", body }));
  };
  const bad = send({ successPolicy: { operator: "All", targetReplicatedJobs: ["x"] } });
  expect([bad.status, bodyOf(bad)["reason"]]).toEqual([422, "Invalid"]);
  expect(bodyOf(bad)["message"]).toStartWith(
    'admission webhook "vjobset.kb.io" denied the request: JobSet.jobset.x-k8s.io "a" is invalid: spec.successPolicy',
  );
  const made = bodyOf(send({ managedBy: "example.com/a" }));
  expect(at(made, "spec", "network")).toEqual({ enableDNSHostnames: true, publishNotReadyAddresses: true });
  const body = JSON.stringify({ spec: { managedBy: "example.com/b" } });
  const contentType = "application/merge-patch+json";
  const changed = server.handle(request(`${path}/a`, { method: "PATCH", body, contentType }));
  expect(bodyOf(changed)["message"]).toEndWith('spec.managedBy: Invalid value: "example.com/b": field is immutable');
});

test("without webhooks a JobSet is stored as the schema leaves it", () => {
  expect(newServer().create("user", "jobsets", jobSet({ suspend: true }))["spec"]).toEqual({ suspend: true });
});

test("a line of a Job begins so that the watcher need not parse it", () => {
  const server = newServer();
  const stream = openWatch(server, { resourceVersion: "100" });
  const made = server.create("user", "jobs", job("a", { labels: { z: "z" }, annotations: { y: "y" } }));
  const line = stream.next() ?? "";
  expect(line).toEndWith("}\n");
  expect(peekEvent(line.trimEnd())).toEqual({
    type: "ADDED",
    identity: { namespace: "n", name: "a", uid: uidOf(made), resourceVersion: "101" },
  });
});

test("a scheduler writes a Node's name without making a new generation", () => {
  const server = newServer();
  const containers = [{ name: "main", image: "busybox" }];
  const made = server.create("user", "pods", { metadata: { name: "a", namespace: "n" }, spec: { containers } });
  const spec = { ...asObject(made["spec"]), nodeName: "node-1" };
  const bound = server.update("scheduler", "pods", { ...made, spec });
  expect(at(bound, "spec", "nodeName")).toBe("node-1");
  expect(at(bound, "metadata", "generation")).toBe(1);
});

test("the same calls give the same texts in another server", () => {
  const run = () => {
    const server = newServer();
    server.create("user", "jobs", { ...job(""), metadata: { generateName: "g-", namespace: "n" } });
    return server.handle(request(JOBS)).text;
  };
  expect(run()).toBe(run());
});

test("what is no path of ours, or no method of it, is refused", () => {
  const server = newServer();
  const status = (method: string, path: string) => server.handle(request(path, { method })).status;
  expect(status("GET", "/apis/foo/v1/bars")).toBe(404);
  expect(status("GET", "/api/v1/namespaces/n/nodes")).toBe(404);
  expect(status("POST", "/apis/batch/v1/jobs")).toBe(404);
  expect(status("DELETE", "/apis/batch/v1/namespaces/n/jobs/a/status")).toBe(405);
  expect(status("GET", "/readyz")).toBe(404);
});
