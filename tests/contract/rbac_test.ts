import { beforeAll, describe, expect, test } from "bun:test";
import { at } from "../../src/base/json.ts";
import { type SharedServer, sharedServer } from "./shared_server.ts";

const MANIFESTS = new URL("../../manifests/", import.meta.url).pathname;
const USER = "system:serviceaccount:jobset-system:jobset-controller-manager";

let server: SharedServer;

beforeAll(async () => {
  server = await sharedServer();
  for (const file of ["namespace.yaml", "rbac.yaml"]) {
    const { code, text } = await server.kubectl("apply", "--server-side", "--force-conflicts", "-f", MANIFESTS + file);
    if (code !== 0) throw new Error(`apply ${file}: ${text}`);
  }
});

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
    ["list", "", "pods"],
    ["delete", "", "pods"],
    ["deletecollection", "batch", "jobs"],
    ["create", "rbac.authorization.k8s.io", "clusterrolebindings"],
  ];
  for (const [verb, group, resource] of refused) {
    test(`refuses ${verb} ${resource}`, async () => expect(await isAllowed(verb, group, resource)).toBe(false));
  }
});
