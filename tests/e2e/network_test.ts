/** The headless Service and what the EndpointSlices make of it (spec 3.5). */
import { expect } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Cluster, labelsOf, nameOf, uidOf } from "./cluster.ts";
import { byHand, FATE, group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";
import { writesEnd } from "./writes.ts";

const e2e = suite();

/** The endpoints of a Service, by host name. */
async function endpoints(cluster: Cluster, service: string): Promise<ReadonlyMap<string, JsonObject>> {
  const slices = await cluster.list("endpointslices", `labelSelector=kubernetes.io/service-name%3D${service}`);
  const found = slices.flatMap((slice) => asArray(slice["endpoints"]));
  return new Map(found.map((each) => [asString(at(each, "hostname")) ?? "", Object(each)]));
}

/** The endpoint of a host once its conditions are these. */
function endpoint(cluster: Cluster, host: string, conditions: JsonObject): Promise<JsonObject> {
  return cluster.eventually(`${host} to be ${JSON.stringify(conditions)}`, async () => {
    const found = (await endpoints(cluster, "js")).get(host);
    const isRight = Object.entries(conditions).every(([type, value]) => at(found, "conditions", type) === value);
    return found !== undefined && isRight ? found : undefined;
  });
}

async function becomeReady(cluster: Cluster, pod: string): Promise<void> {
  const found = (await cluster.pods("js")).find((each) => nameOf(each).startsWith(pod));
  await cluster.patch("pods", nameOf(found), { metadata: { annotations: { [`${FATE}ready-after`]: "0s" } } });
}

e2e.test("Pods that are not ready have a host name and an address all the same, and become ready (R17)", async (cluster) => {
  await cluster.create(
    "jobsets",
    jobSet("js", [group("a", { replicas: 2, parallelism: 2, fate: { "ready-after": "never" } })]),
  );
  // With publishNotReadyAddresses an endpoint counts as ready for DNS; whether its Pod is ready stands in `serving`.
  const hosts = ["js-a-0-0", "js-a-0-1", "js-a-1-0", "js-a-1-1"];
  for (const host of hosts) {
    const found = await endpoint(cluster, host, { ready: true, serving: false });
    expect(asArray(found["addresses"])).toHaveLength(1);
  }
  expect([...(await endpoints(cluster, "js")).keys()].toSorted()).toEqual(hosts);
  await becomeReady(cluster, "js-a-1-0");
  await endpoint(cluster, "js-a-1-0", { ready: true, serving: true });
  for (const pod of await cluster.pods("js")) expect(at(pod, "spec", "subdomain")).toBe("js");
  const service = await cluster.get("services", "js");
  expect(service["spec"]).toMatchObject({
    clusterIP: "None",
    selector: { "jobset.sigs.k8s.io/jobset-name": "js" },
    publishNotReadyAddresses: true,
  });
  expect(labelsOf(service)["jobset.sigs.k8s.io/jobset-name"]).toBe("js");
  expect(at(service, "metadata", "ownerReferences")).toEqual([{
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    name: "js",
    uid: uidOf(await cluster.jobSet("js")),
    controller: true,
    blockOwnerDeletion: true,
  }]);
});

e2e.test("opted out of publishNotReadyAddresses, Pods are no ready endpoint before they are ready (R17)", async (cluster) => {
  const network = { publishNotReadyAddresses: false };
  await cluster.create("jobsets", jobSet("js", [group("a", { fate: { "ready-after": "never" } })], { network }));
  await endpoint(cluster, "js-a-0-0", { ready: false });
  await becomeReady(cluster, "js-a-0-0");
  await endpoint(cluster, "js-a-0-0", { ready: true, serving: true });
  expect(at(await cluster.get("services", "js"), "spec", "publishNotReadyAddresses") ?? false).toBe(false);
});

e2e.test("with generateName, Service and subdomain have the final name (R15)", async (cluster) => {
  const body = jobSet("", [group("a", { fate: { "succeed-after": "0s" } })]);
  const { metadata } = await cluster.create("jobsets", { ...body, metadata: { generateName: "gen-" } });
  const name = asString(at(metadata, "name")) ?? "";
  expect(name).toMatch(/^gen-.{5}$/);
  await cluster.terminal(name, "Completed");
  expect(await cluster.find("services", name)).toBeDefined();
  const [pod] = await cluster.pods(name);
  expect(at(pod, "spec", "subdomain")).toBe(name);
  expect(at(pod, "spec", "hostname")).toBe(`${name}-a-0-0`);
});

e2e.test("a Service deleted by hand is made again, and the endpoints with it (R18)", async (cluster) => {
  const position = cluster.environment.auditPosition();
  await cluster.create("jobsets", jobSet("js", [group("a")], { network: { subdomain: "net" } }));
  const first = await cluster.eventually("the Service", () => cluster.find("services", "net"));
  await cluster.eventually("the endpoint", async () => (await endpoints(cluster, "net")).has("js-a-0-0"));
  // At rest, so that nothing but the Service's own event tells of it.
  await writesEnd(cluster, position);
  await cluster.delete("services", "net");
  await cluster.eventually("another Service", async () => {
    const service = await cluster.find("services", "net");
    return service !== undefined && uidOf(service) !== uidOf(first);
  });
  await cluster.eventually("the endpoint", async () => (await endpoints(cluster, "net")).has("js-a-0-0"));
});

e2e.test("two JobSets share a subdomain; when the owner of the Service goes, the other one makes it anew", async (cluster) => {
  const network = { subdomain: "shared" };
  await cluster.create("jobsets", jobSet("one", [byHand("a")], { network }));
  await cluster.jobCount("one", 1);
  await cluster.create("jobsets", jobSet("two", [byHand("a")], { network }));
  await cluster.jobCount("two", 1);
  const owner = (service: JsonObject) => at(asArray(at(service, "metadata", "ownerReferences"))[0], "name");
  expect(owner(await cluster.get("services", "shared"))).toBe("one");
  await cluster.delete("jobsets", "one");
  await cluster.eventually("two's own Service", async () => owner(await cluster.get("services", "shared")) === "two");
});

e2e.test("a Service of that name that is not ours is used as it is", async (cluster) => {
  const spec = { clusterIP: "None", selector: { app: "mine" } };
  await cluster.create("services", { metadata: { name: "js" }, spec });
  await cluster.create("jobsets", jobSet("js", [group("a", { fate: { "succeed-after": "0s" } })]));
  await cluster.terminal("js", "Completed");
  const service = await cluster.get("services", "js");
  expect(at(service, "metadata", "ownerReferences")).toBeUndefined();
  expect(at(service, "spec", "selector")).toEqual({ app: "mine" });
});

e2e.test("without DNS host names there is no Service, and the template's own subdomain stays", async (cluster) => {
  const groups = [byHand("plain"), byHand("own", { pod: { subdomain: "mine" } })];
  await cluster.create("jobsets", jobSet("js", groups, { network: { enableDNSHostnames: false } }));
  const [own, plain] = await cluster.jobCount("js", 2);
  expect(at(own, "spec", "template", "spec", "subdomain")).toBe("mine");
  expect(at(plain, "spec", "template", "spec", "subdomain")).toBeUndefined();
  expect(await cluster.find("services", "js")).toBeUndefined();
});
