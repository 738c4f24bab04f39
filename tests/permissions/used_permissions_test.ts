/**
 * Runs last, over the audit log of a whole run of the end-to-end tests (scripts/test.ts): the manifest grants the controller what
 * it uses and nothing else. A permission that no test uses is taken out of manifests/, or gets a test.
 */
import { beforeAll, expect, test } from "bun:test";
import { parseAllDocuments } from "yaml";
import { asArray, asObject, at, type JsonObject } from "../../src/base/json.ts";
import { nameOf } from "../e2e/cluster.ts";
import { CONTROLLER_USER, type Environment, findEnvironment } from "../e2e/environment.ts";
import { type Account, bindingsOf, describeAccess, isUse, permissionsOf, readUse, type Use } from "./permissions.ts";

const [, , NAMESPACE = "", NAME = ""] = CONTROLLER_USER.split(":");
const ACCOUNT: Account = { namespace: NAMESPACE, name: NAME };
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const KINDS = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"] as const;

/** No request of ours asks for it: an admission plugin does, and tests/contract/rbac_test.ts shows how it refuses without. */
const ASKED_FOR_BY_ADMISSION = "update jobsets/finalizers.jobset.x-k8s.io";

/** What Kubernetes itself lets every service account read: the API's own description, its version, its health. */
const OF_EVERYBODY = /ClusterRoleBinding "system:(discovery|public-info-viewer|service-account-issuer-discovery)"/;

let environment: Environment;
let objects: readonly JsonObject[];
let uses: readonly Use[];

beforeAll(async () => {
  if (process.env["JOBSET_E2E"] === undefined) throw new Error("there is no run to look back on: use `npm test`");
  environment = await findEnvironment();
  const lists = await Promise.all(KINDS.map(async (kind) => {
    const found = await environment.api.list(`${RBAC}/${kind.toLowerCase()}s`);
    return found.map((object) => ({ ...object, kind }));
  }));
  objects = lists.flat();
  uses = await readUses(environment.description.auditLog);
});

/** Each different request of the controller once. */
async function readUses(file: string): Promise<readonly Use[]> {
  const found = new Map<string, Use>();
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of Bun.file(file).stream()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.includes(CONTROLLER_USER)) continue;
      const entry = asObject(JSON.parse(line)) ?? {};
      if (at(entry, "user", "username") !== CONTROLLER_USER) continue;
      const use = readUse(entry);
      found.set(`${describeAccess(use)} ${use.why}`, use);
    }
  }
  return [...found.values()];
}

test("the service account has the bindings of the manifest, and no other", () => {
  const printed = Bun.spawnSync([environment.description.binary, "manifests"]).stdout.toString();
  const applied = parseAllDocuments(printed).map((document) => asObject(document.toJS()) ?? {});
  const names = (found: readonly JsonObject[]) => bindingsOf(found, ACCOUNT).map(nameOf).toSorted();
  expect(names(objects)).toEqual(names(applied));
  // No right of an administrator comes to it by a group of service accounts either.
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${NAMESPACE}`, "system:authenticated"];
  const isOfGroup = (subject: unknown) =>
    at(subject, "kind") === "Group" && groups.some((group) => at(subject, "name") === group);
  const byGroup = objects.filter(({ subjects }) => asArray(subjects).some(isOfGroup)).map(nameOf);
  expect(byGroup.filter((name) => !name.startsWith("system:"))).toEqual([]);
});

test("every permission was used", () => {
  const permissions = permissionsOf(objects, ACCOUNT);
  const unused = permissions.filter((permission) => !uses.some((use) => isUse(use, permission)));
  const described = unused.map((permission) => describeAccess(permission));
  expect(described.filter((text) => text !== ASKED_FOR_BY_ADMISSION).toSorted()).toEqual([]);
  expect(described).toContain(ASKED_FOR_BY_ADMISSION);
  console.log(`${permissions.length - unused.length} of ${permissions.length} permissions were used`);
});

test("no request was refused for want of a permission", () => {
  expect(uses.filter(({ isForbidden }) => isForbidden).map(describeAccess)).toEqual([]);
});

test("each request was allowed by the manifest's own roles, or is allowed to everybody", () => {
  const bindings = bindingsOf(objects, ACCOUNT).map(nameOf);
  const isOurs = ({ why }: Use) => bindings.some((name) => why.includes(`Binding "${name}`));
  const others = uses.filter((use) => !use.isForbidden && !isOurs(use) && !OF_EVERYBODY.test(use.why));
  expect(others.map((use) => `${describeAccess(use)}: ${use.why}`)).toEqual([]);
});
