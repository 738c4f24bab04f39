/** What the controller may do to single objects: its lease, its Secret, its webhook configurations (R60). */
import { beforeAll, describe, expect, test } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import { installObjects } from "../../src/install/install_objects.ts";
import { defaultInstallOptions } from "../../src/install/install_options.ts";
import { nameOf, objectPath } from "../../src/install/resource_path.ts";
import { type SharedServer, sharedServer } from "./shared_server.ts";

const OWN = "jobset-system";
const USER = `system:serviceaccount:${OWN}:jobset-controller-manager`;
const CONFIGURATION = { group: "admissionregistration.k8s.io", verb: "patch" };
const MUTATING = { ...CONFIGURATION, resource: "mutatingwebhookconfigurations" };
const VALIDATING = { ...CONFIGURATION, resource: "validatingwebhookconfigurations" };
const LEASE = { group: "coordination.k8s.io", resource: "leases", namespace: OWN };
const SECRET = { group: "", resource: "secrets", namespace: OWN };
const SECRET_NAME = "jobset-webhook-server-cert";
const LEASE_NAME = "6d4f6a47.jobset.x-k8s.io";

let server: SharedServer;

beforeAll(async () => {
  server = await sharedServer();
  const isAccess = (object: JsonObject) =>
    /^(Namespace|ServiceAccount|(Cluster)?Role(Binding)?)$/.test(nameOf(object).kind);
  for (const object of installObjects(defaultInstallOptions("0.0.0")).filter(isAccess)) {
    await server.api.patch(`${objectPath(nameOf(object))}?fieldManager=contract&force=true`, object, "apply");
  }
});

async function isAllowed(resourceAttributes: JsonObject): Promise<boolean> {
  const review = await server.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user: USER, groups: ["system:serviceaccounts", "system:authenticated"], resourceAttributes },
  });
  return at(review, "status", "allowed") === true;
}

describe("the controller's roles", () => {
  const granted: readonly JsonObject[] = [
    { ...LEASE, verb: "create" },
    { ...LEASE, verb: "get", name: LEASE_NAME },
    { ...LEASE, verb: "update", name: LEASE_NAME },
    { ...LEASE, verb: "watch", name: LEASE_NAME },
    { ...SECRET, verb: "create" },
    { ...SECRET, verb: "update", name: SECRET_NAME },
    { ...SECRET, verb: "watch", name: SECRET_NAME },
    { ...MUTATING, name: "jobset-mutating-webhook-configuration" },
    { ...VALIDATING, name: "jobset-validating-webhook-configuration" },
    { group: "authentication.k8s.io", resource: "tokenreviews", verb: "create" },
    { group: "authorization.k8s.io", resource: "subjectaccessreviews", verb: "create" },
  ];
  for (const request of granted) {
    test(`allow ${described(request)}`, async () => expect(await isAllowed(request)).toBe(true));
  }

  const refused: readonly JsonObject[] = [
    { ...LEASE, verb: "update", name: "another-operator" },
    { ...LEASE, verb: "delete", name: LEASE_NAME },
    { ...LEASE, verb: "create", namespace: "default" },
    { ...SECRET, verb: "list" },
    { ...SECRET, verb: "get", name: "another-secret" },
    { ...SECRET, verb: "update", name: SECRET_NAME, namespace: "default" },
    { ...SECRET, verb: "create", namespace: "default" },
    { ...MUTATING, name: "another-webhook-configuration" },
    { ...VALIDATING, verb: "list" },
    { group: "", resource: "pods", verb: "create", namespace: OWN },
    { group: "apps", resource: "deployments", verb: "get", namespace: OWN },
  ];
  for (const request of refused) {
    test(`refuse ${described(request)}`, async () => expect(await isAllowed(request)).toBe(false));
  }
});

function described({ verb, resource, namespace, name }: JsonObject): string {
  const place = namespace === undefined ? "" : ` in ${namespace}`;
  return `${verb} ${resource}${place}${name === undefined ? "" : ` named ${name}`}`;
}
