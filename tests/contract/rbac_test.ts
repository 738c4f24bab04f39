import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { Api, type ApiAnswer } from "../../scripts/control_plane/api.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { installCrd, type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

const MANIFESTS = new URL("../../manifests/", import.meta.url).pathname;
const USER = "system:serviceaccount:jobset-system:jobset-controller-manager";

let server: SharedServer;
let space: TestNamespace;

beforeAll(async () => {
  server = await sharedServer();
  await installCrd(server);
  space = new TestNamespace(server.api);
  await space.create();
  for (const file of ["namespace.yaml", "rbac.yaml"]) {
    const { code, text } = await server.kubectl("apply", "--server-side", "--force-conflicts", "-f", MANIFESTS + file);
    if (code !== 0) throw new Error(`apply ${file}: ${text}`);
  }
});

afterAll(() => space.remove());

async function isAllowed(verb: string, group: string, resource: string, namespace = "any"): Promise<boolean> {
  const [name, subresource = ""] = resource.split("/");
  const review = await server.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      user: USER,
      groups: ["system:serviceaccounts", "system:serviceaccounts:jobset-system", "system:authenticated"],
      resourceAttributes: { verb, group, resource: name, subresource, namespace },
    },
  });
  return at(review, "status", "allowed") === true;
}

describe("the controller's role", () => {
  const needed: readonly (readonly [string, string, string])[] = [
    ["watch", "jobset.x-k8s.io", "jobsets"],
    ["delete", "jobset.x-k8s.io", "jobsets"],
    ["patch", "jobset.x-k8s.io", "jobsets/status"],
    ["update", "jobset.x-k8s.io", "jobsets/finalizers"],
    ["create", "batch", "jobs"],
    ["delete", "batch", "jobs"],
    ["patch", "batch", "jobs"],
    ["patch", "batch", "jobs/status"],
    ["get", "", "services"],
    ["create", "", "services"],
    ["create", "", "persistentvolumeclaims"],
    ["patch", "events.k8s.io", "events"],
    ["watch", "", "pods"],
    ["delete", "", "pods"],
    ["patch", "", "pods/status"],
    ["get", "", "nodes"],
    ["watch", "", "nodes"],
    ["watch", "scheduling.k8s.io", "priorityclasses"],
  ];
  for (const [verb, group, resource] of needed) {
    test(`allows ${verb} ${resource}`, async () => expect(await isAllowed(verb, group, resource)).toBe(true));
  }

  const refused: readonly (readonly [string, string, string])[] = [
    ["update", "jobset.x-k8s.io", "jobsets"],
    ["patch", "jobset.x-k8s.io", "jobsets"],
    ["create", "jobset.x-k8s.io", "jobsets"],
    ["delete", "", "services"],
    ["delete", "", "persistentvolumeclaims"],
    ["list", "", "persistentvolumeclaims"],
    ["get", "", "secrets"],
    ["create", "", "pods"],
    ["patch", "", "pods"],
    ["deletecollection", "", "pods"],
    ["create", "", "pods/binding"],
    ["patch", "", "nodes"],
    ["patch", "", "nodes/status"],
    ["create", "scheduling.k8s.io", "priorityclasses"],
    ["deletecollection", "batch", "jobs"],
    ["create", "rbac.authorization.k8s.io", "clusterrolebindings"],
  ];
  for (const [verb, group, resource] of refused) {
    test(`refuses ${verb} ${resource}`, async () => expect(await isAllowed(verb, group, resource)).toBe(false));
  }
});

/** With these rules in the namespace, a service account of its own; answers what it is told on creating an owned Job. */
async function createOwnedJob(name: string, rules: readonly JsonObject[]): Promise<ApiAnswer> {
  const accounts = `/api/v1/namespaces/${space.name}/serviceaccounts`;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${space.name}`;
  await server.api.create(accounts, { metadata: { name } });
  await server.api.create(`${rbac}/roles`, { metadata: { name }, rules });
  await server.api.create(`${rbac}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name, namespace: space.name }],
  });
  const answer = await server.api.create(`${accounts}/${name}/token`, { spec: { expirationSeconds: 3600 } });
  const api = new Api({ ...server.api.access, token: asString(at(answer, "status", "token")) ?? "" });
  const pod = { restartPolicy: "Never", containers: [{ name: "main", image: "example.com/none" }] };
  const { stored } = await space.store({
    replicatedJobs: [{ name: "a", template: { spec: { template: { spec: pod } } } }],
  });
  const { uid, name: owner } = asObject(stored["metadata"]) ?? {};
  const reference = { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", name: owner, uid };
  const job = {
    metadata: { name, ownerReferences: [{ ...reference, controller: true, blockOwnerDeletion: true }] },
    spec: { suspend: true, template: { spec: pod } },
  };
  let last: ApiAnswer | undefined;
  // The API server learns of a new role a moment later.
  await waitFor("the role to be in force", {
    timeoutMs: 30_000,
    check: async () => {
      last = await api.request("POST", `/apis/batch/v1/namespaces/${space.name}/jobs`, job);
      return !(asString(last.body["message"]) ?? "").includes('cannot create resource "jobs"');
    },
  });
  if (last === undefined) throw new Error("create a Job: no answer");
  return last;
}

describe("a cluster with OwnerReferencesPermissionEnforcement", () => {
  const jobs = { apiGroups: ["batch"], resources: ["jobs"], verbs: ["create"] };
  const finalizers = { apiGroups: ["jobset.x-k8s.io"], resources: ["jobsets/finalizers"], verbs: ["update"] };

  test("refuses our Jobs to whoever may not update jobsets/finalizers", async () => {
    const { code, body } = await createOwnedJob("without-finalizers", [jobs]);
    expect(code).toBe(403);
    expect(asString(body["message"])).toContain("cannot set blockOwnerDeletion");
  });

  test("takes them from whoever may", async () => {
    expect((await createOwnedJob("with-finalizers", [jobs, finalizers])).code).toBe(201);
  });
});
