import { expect, test } from "bun:test";
import { ownNamespace } from "./own_namespace.ts";

const TOKEN_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

function files(given: Readonly<Record<string, string>>): (path: string) => Promise<string | undefined> {
  return (path) => Promise.resolve(given[path]);
}

test("POD_NAMESPACE, then the token's namespace, then jobset-system", async () => {
  const token = files({ [`${TOKEN_DIR}/namespace`]: "team-a\n" });
  expect(await ownNamespace({ POD_NAMESPACE: "team-b" }, token)).toBe("team-b");
  expect(await ownNamespace({ POD_NAMESPACE: "" }, token)).toBe("team-a");
  expect(await ownNamespace({}, files({}))).toBe("jobset-system");
  expect(await ownNamespace({}, files({ [`${TOKEN_DIR}/namespace`]: "\n" }))).toBe("jobset-system");
});

test("the service account may lie elsewhere", async () => {
  const env = { JOBSET_SERVICE_ACCOUNT_DIR: "/sa" };
  expect(await ownNamespace(env, files({ "/sa/namespace": "team-c" }))).toBe("team-c");
});
