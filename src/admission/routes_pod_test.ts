import { expect, test } from "bun:test";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { FakeClock } from "../base/fake_clock.ts";
import { at, type JsonObject } from "../base/json.ts";
import { admissionRoutes, MUTATE_POD_PATH, VALIDATE_POD_PATH } from "./routes.ts";

async function ask(path: string, annotations: JsonObject): Promise<unknown> {
  const app = admissionRoutes({
    gates: DEFAULT_FEATURE_GATES,
    getClaim: () => Promise.resolve({ kind: "absent" }),
    clock: new FakeClock(),
    log: { info: () => undefined, error: () => undefined },
  });
  const request = {
    uid: "1",
    operation: "CREATE",
    kind: { group: "", version: "v1", kind: "Pod" },
    namespace: "ns",
    object: { metadata: { name: "a-0-0", annotations } },
  };
  const body = JSON.stringify({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request });
  const answer = await app.request(path, { method: "POST", headers: { "content-type": "application/json" }, body });
  return at(await answer.json(), "response");
}

test("the Pod webhooks of a reference installation let Pods through, but for those that want a domain of their own", async () => {
  const plain = { "jobset.sigs.k8s.io/jobset-name": "a" };
  const exclusive = { ...plain, "alpha.jobset.sigs.k8s.io/exclusive-topology": "zone" };
  expect(await ask(MUTATE_POD_PATH, plain)).toEqual({ uid: "1", allowed: true });
  expect(await ask(VALIDATE_POD_PATH, plain)).toEqual({ uid: "1", allowed: true });
  expect(await ask(MUTATE_POD_PATH, exclusive)).toEqual({ uid: "1", allowed: true });
  expect(await ask(VALIDATE_POD_PATH, exclusive)).toMatchObject({ allowed: false, status: { code: 403 } });
});
