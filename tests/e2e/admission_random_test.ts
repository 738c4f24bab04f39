/** JobSets with anything in them: the API server, webhooks and all, and the pure rules agree on each. */
import { asObject, type JsonObject } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";
import { group, newJobSet } from "../../src/admission/test_job_set.ts";
import { below, seeded } from "./seeded.ts";
import { verdicts } from "./verdicts.ts";

const e2e = verdicts(["InPlaceRestart", "RestartJob"]);
const COUNT = 200;
const MOST_CHANGES = 3;
/** One value in so many is of any type. */
const ANY_TYPE = 20;

const IN_PLACE = { backoffLimit: 2147483647, completions: 2, parallelism: 2, podReplacementPolicy: "Failed" };
const container = (...volumeMounts: readonly JsonObject[]) => ({ name: "main", image: "busybox:1.36", volumeMounts });
const TOPOLOGY = "alpha.jobset.sigs.k8s.io/exclusive-topology";

/** Something for every rule, and nothing wrong with it. */
const WHOLE = newJobSet({
  suspend: true,
  managedBy: "acme.io/foo",
  network: { subdomain: "net", enableDNSHostnames: false },
  successPolicy: { operator: "All", targetReplicatedJobs: ["a"] },
  startupPolicy: { startupPolicyOrder: "AnyOrder" },
  failurePolicy: {
    maxRestarts: 1,
    restartStrategy: "InPlaceRestart",
    rules: [
      {
        name: "first",
        action: "RestartJob",
        onJobFailureReasons: ["PodFailurePolicy"],
        onJobFailureMessagePatterns: ["a+"],
        targetReplicatedJobs: ["a", "b"],
      },
      { action: "FailJobSet" },
    ],
  },
  coordinator: { replicatedJob: "a", jobIndex: 1, podIndex: 0 },
  volumeClaimPolicies: [{
    templates: ["data", "more"].map((name) => ({ metadata: { name }, spec: { accessModes: ["ReadWriteOnce"] } })),
    retentionPolicy: { whenDeleted: "Retain" },
  }],
  replicatedJobs: [
    group("a", {
      replicas: 2,
      groupName: "g",
      metadata: { annotations: { [TOPOLOGY]: "zone" } },
      job: { ...IN_PLACE, completionMode: "Indexed" },
      pod: {
        containers: [container({ name: "data", mountPath: "/data" }, { name: "more", mountPath: "/more" })],
        volumes: [{ name: "other", emptyDir: {} }],
      },
    }),
    group("b", { dependsOn: [{ name: "a", status: "Ready" }], job: IN_PLACE }),
  ],
}, { name: "js", annotations: { [TOPOLOGY]: "zone" } });

/** What stands where something else is meant: names, numbers and words of other fields, and what no field takes. */
const VALUES: readonly unknown[] = [
  ...["", "a", "b", "js", "data", "other", "A", "1a", "a.b", "a_b", "-", "a-", '%d\n"\\', "é", "(", "[a-", "x/y", "a/"],
  ...["NonIndexed", "Indexed", "All", "Any", "InOrder", "Ready", "Retain", "Delete", "Recreate", "InPlaceRestart"],
  ...["RestartJobSet", "RestartJob", "FailJobSet", "DeadlineExceeded", "TerminatingOrFailed"],
  ...[57, 58, 63, 64, 128, 129, 253, 254].map((length) => "l".repeat(length)),
  ...[0, 1, 2, -1, 1.5, 1024, 1025, 100_000, 2147483647, 2147483648],
  ...[null, undefined, true, false, [], {}, [null], ["a"], [{}], { name: "a" }],
];

type Path = readonly (string | number)[];

function* pathsOf(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) yield* pathsOf(inner, [...path, Array.isArray(value) ? +key : key]);
}

function replaced(here: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value;
  if (Array.isArray(here)) return here.map((item, index) => index === step ? replaced(item, rest, value) : item);
  const object = asObject(here) ?? {};
  return { ...object, [step]: replaced(object[step], rest, value) };
}

function valueAt(here: unknown, [step, ...rest]: Path): unknown {
  if (step === undefined) return here;
  return valueAt(Array.isArray(here) ? here[Number(step)] : asObject(here)?.[step], rest);
}

/** With some values replaced: mostly by one of the same type, which the schema may let through. */
function changed(random: Random): JsonObject {
  let object = WHOLE;
  for (let count = 1 + below(random, MOST_CHANGES); count > 0; count--) {
    const paths = [...pathsOf(object)].filter(([first]) => first === "spec" || first === "metadata");
    const path = paths[below(random, paths.length)] ?? [];
    const type = typeof valueAt(object, path);
    const values = VALUES.filter((value) => value === undefined || typeof value === type);
    const pool = below(random, ANY_TYPE) === 0 ? VALUES : values;
    object = asObject(replaced(object, path, pool[below(random, pool.length)])) ?? {};
  }
  return object;
}

const random = seeded("random JobSets");
e2e.compares(`${COUNT} random JobSets`, Array.from({ length: COUNT }, () => changed(random)));
