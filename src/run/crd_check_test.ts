import { afterEach, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { LogFields } from "../base/log.ts";
import { jobSetSchema } from "../api/crd/jobset_schema.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { CrdCheck } from "./crd_check.ts";

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

const OBJECT = { type: "object" } as const;
const WHOLE: JsonObject = { ...jobSetSchema({ jobTemplate: OBJECT, volumeClaim: OBJECT }) };

function publish(schema: JsonObject): unknown {
  const kinds = [{ group: "jobset.x-k8s.io", version: "v1alpha2", kind: "JobSet" }];
  return { components: { schemas: { JobSet: { ...schema, "x-kubernetes-group-version-kind": kinds } } } };
}

const WITHOUT_STATUS = { ...WHOLE, properties: { spec: (WHOLE["properties"] as JsonObject)["spec"] } };

async function checked(documents: readonly (unknown | Error)[], onAsked: () => void = () => {}) {
  const clock = new FakeClock();
  const errors: LogFields[] = [];
  const gauge: boolean[] = [];
  const left = [...documents];
  const client: KubeClient = {
    request: () => {
      onAsked();
      const next = left.length > 1 ? left.shift() : left[0];
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    stream: () => Promise.reject(new Error("no streams here")),
  };
  const log = { info: () => {}, error: (_message: string, fields: LogFields = {}) => void errors.push(fields) };
  const check = new CrdCheck({ client, clock, log, onChecked: (isOutdated) => gauge.push(isOutdated) });
  void check.run(stop.signal);
  await clock.advanceAndSettle(0);
  return { clock, check, errors, gauge };
}

function jobSet(uid: string, more: JsonObject = {}): JobSet {
  const read = readJobSet({ metadata: { namespace: "ns", name: "a", uid }, spec: {}, ...more });
  if (read === undefined) throw new Error("no JobSet");
  return read;
}

test("R28: an outdated CRD is one error line, a gauge and one event per unfinished JobSet of ours", async () => {
  const { clock, check, errors, gauge } = await checked([publish(WITHOUT_STATUS)]);
  await clock.advanceAndSettle(60_000);
  expect(errors).toHaveLength(1);
  expect(errors[0]?.["missing"]).toBe("apiVersion, kind, metadata, status");
  expect(errors[0]?.["remedy"]).toContain(
    "jobset manifests --crds-only | kubectl apply --server-side --force-conflicts -f -",
  );
  expect(gauge.at(-1)).toBe(true);
  expect(check.eventFor(jobSet("1"))).toMatchObject({ type: "Warning", reason: "CRDOutdated" });
  expect(check.eventFor(jobSet("1"))).toBeUndefined();
  expect(check.eventFor(jobSet("2"))).toBeDefined();
  const finished = { status: { conditions: [{ type: "Completed", status: "True" }] } };
  expect(check.eventFor(jobSet("3", finished))).toBeUndefined();
  expect(check.eventFor(jobSet("4", { spec: { managedBy: "kueue.x-k8s.io/multikueue" } }))).toBeUndefined();
});

test("R28: a CRD that is replaced by a whole one is well again", async () => {
  const { clock, check, errors, gauge } = await checked([publish(WITHOUT_STATUS), publish(WHOLE)]);
  expect(gauge).toEqual([true]);
  await clock.advanceAndSettle(15_000);
  expect(gauge).toEqual([true, false]);
  expect(errors).toHaveLength(1);
  expect(check.eventFor(jobSet("1"))).toBeUndefined();
});

test("a server that does not publish its schema gives no verdict", async () => {
  const { clock, check, gauge, errors } = await checked([new Error("403"), {}, publish(WHOLE)]);
  expect(gauge).toEqual([]);
  // It is asked again soon, then less and less often.
  await clock.advanceAndSettle(15_000);
  await clock.advanceAndSettle(29_999);
  expect(gauge).toEqual([]);
  await clock.advanceAndSettle(1);
  expect(gauge).toEqual([false]);
  expect(errors).toEqual([]);
  expect(check.eventFor(jobSet("1"))).toBeUndefined();
});

test("R28: an old CRD is found soon after it is published, though it was not at the start", async () => {
  const { clock, errors } = await checked([new Error("404"), publish(WITHOUT_STATUS)]);
  expect(errors).toEqual([]);
  await clock.advanceAndSettle(15_000);
  expect(errors).toHaveLength(1);
});

test("a server that never publishes its schema is asked every ten minutes in the end", async () => {
  let asked = 0;
  const { clock } = await checked([new Error("403")], () => asked++);
  for (let minute = 0; minute < 60; minute++) await clock.advanceAndSettle(60_000);
  asked = 0;
  for (let minute = 0; minute < 60; minute++) await clock.advanceAndSettle(60_000);
  expect(asked).toBe(6);
});
