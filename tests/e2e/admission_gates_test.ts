/** The rules that hold with feature gates on, judged by a replica that has them (spec 2.2: 6, 8; 2.3). */
import { asObject, type JsonObject } from "../../src/base/json.ts";
import { group, newJobSet } from "../../src/admission/test_job_set.ts";
import { type UpdateCase, verdicts } from "./verdicts.ts";

const e2e = verdicts(["ElasticJobSet", "InPlaceRestart", "MutablePodResourcesForSuspendedJobSets", "RestartJob"]);

const MAX_INT32 = 2147483647;
const IMMUTABLE = "spec.replicatedJobs: Invalid value: …: field is immutable";

const IN_PLACE = { backoffLimit: MAX_INT32, podReplacementPolicy: "Failed", completions: 2, parallelism: 2 };
const inPlace = (...jobs: readonly JsonObject[]) =>
  newJobSet({
    failurePolicy: { restartStrategy: "InPlaceRestart" },
    replicatedJobs: jobs.map((job, index) => group("ab".charAt(index), { job: { ...IN_PLACE, ...job } })),
  }, { name: "js" });
const JOB_SPEC = "spec.replicatedJobs[0].template.spec";
const END = "when in-place restart is enabled";
const backoff = (value: number | null) =>
  `${JOB_SPEC}.backoffLimit: Invalid value: ${value}: replicatedJob a: must be set to 2147483647 (MaxInt32) ${END}`;
const replacement = (value: string) =>
  `${JOB_SPEC}.podReplacementPolicy: Invalid value: ${value}: replicatedJob a: must be set to Failed ${END}`;
const sizes = (value: number | null, replicatedJob = "a", path = JOB_SPEC) =>
  `${path}.completions: Invalid value: ${value}: replicatedJob ${replicatedJob}: ` +
  `completions and parallelism must be set and equal to each other ${END}`;

e2e.creates("rules 1 and 6", [
  ["all that restarting in place asks for", inPlace({}, {}), []],
  ["another backoffLimit", inPlace({ backoffLimit: 6 }), [backoff(6)]],
  ["no backoffLimit", inPlace({ backoffLimit: null }), [backoff(null)]],
  ["another podReplacementPolicy", inPlace({ podReplacementPolicy: "TerminatingOrFailed" }), [
    replacement('"TerminatingOrFailed"'),
  ]],
  ["no podReplacementPolicy", inPlace({ podReplacementPolicy: null }), [replacement("null")]],
  ["more completions than parallelism", inPlace({ completions: 3 }), [sizes(3)]],
  ["no parallelism", inPlace({ parallelism: null }), [sizes(2)]],
  ["neither", inPlace({ parallelism: null, completions: null }), [sizes(null)]],
  ["all of it in two replicatedJobs", inPlace({ backoffLimit: 1, podReplacementPolicy: null }, { completions: 1 }), [
    backoff(1),
    replacement("null"),
    sizes(1, "b", "spec.replicatedJobs[1].template.spec"),
  ]],
  [
    "another strategy asks for nothing",
    newJobSet({ failurePolicy: {}, replicatedJobs: [group("a")] }, { name: "js" }),
    [],
  ],
]);

const restarting = (action: string, replicas: number, name = "r") =>
  newJobSet({
    failurePolicy: { maxRestarts: 1, rules: [{ name, action }] },
    replicatedJobs: [group("a"), group("b", { replicas })],
  }, { name: "js" });
const tooMany = [
  "spec.replicatedJobs[1].replicas: Invalid value: 1025: JobSet cannot have a failure policy rule with RestartJob or " +
  "RestartJobAndIgnoreMaxRestarts action and a replicated job with replicas > 1024",
];
e2e.creates("rule 8, actions with their gate", [
  ["RestartJob with 1024 replicas", restarting("RestartJob", 1024), []],
  ["RestartJobAndIgnoreMaxRestarts with 1024 replicas", restarting("RestartJobAndIgnoreMaxRestarts", 1024), []],
  ["RestartJob with 1025 replicas", restarting("RestartJob", 1025), tooMany],
  ["RestartJobAndIgnoreMaxRestarts with 1025 replicas", restarting("RestartJobAndIgnoreMaxRestarts", 1025), tooMany],
  ["RestartJobSet with 1025 replicas", restarting("RestartJobSet", 1025), []],
  ["RestartJob under a bad name", restarting("RestartJob", 1, "r-"), [
    "spec.failurePolicy.rules[0].name: Invalid value: \"r-\": invalid failure policy rule name 'r-', a failure policy rule name " +
    "must start with an alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must " +
    "end with an alphanumeric character or '_'",
  ]],
]);

const CONTAINER = { name: "main", image: "busybox:1.36", resources: { requests: { cpu: "1" } } };

/** A replicatedJob as the webhook defaults it; containers of the Pod may be others. */
function sized(size: JsonObject, pod: JsonObject = {}): JsonObject {
  const template = { spec: { restartPolicy: "OnFailure", containers: [CONTAINER], ...pod } };
  return group("a", { job: { completionMode: "Indexed", ...size, template } });
}

const both = (count: number) => sized({ parallelism: count, completions: count });
const jobSet = (replicatedJob: JsonObject, spec: JsonObject = {}) =>
  newJobSet({ replicatedJobs: [replicatedJob], ...spec }, {});
const replace = (...replicatedJobs: readonly JsonObject[]) => ({ spec: { replicatedJobs } });

function resized(what: string, before: JsonObject, after: JsonObject, ...errors: readonly string[]): UpdateCase {
  return { what, before: jobSet(before), change: replace(after), errors };
}

const tooSmall = (field: string) => `${JOB_SPEC}.${field}: Invalid value: 0: ${field} must be >= 1`;
const unequal = (completions: number) =>
  `${JOB_SPEC}.completions: Invalid value: ${completions}: ` +
  "completions must be equal to parallelism for Elastic Indexed Jobs";
const nonIndexed = (parallelism: number) => sized({ completionMode: "NonIndexed", parallelism });

e2e.updates("elastic Jobs", [
  resized("more of both", both(2), both(4)),
  resized("less of both", both(4), both(1)),
  resized("parallelism where completions are not set", sized({ parallelism: 2 }), sized({ parallelism: 3 })),
  resized("parallelism taken away", sized({ parallelism: 2 }), sized({})),
  resized("parallelism 0", sized({ parallelism: 2 }), sized({ parallelism: 0 }), tooSmall("parallelism")),
  resized("both 0", both(2), both(0), tooSmall("parallelism"), tooSmall("completions")),
  resized("more parallelism than completions", both(2), sized({ parallelism: 3, completions: 2 }), unequal(2)),
  resized("a NonIndexed Job", nonIndexed(2), nonIndexed(3), IMMUTABLE),
  resized("with another image", both(2), {
    ...sized({ parallelism: 3, completions: 3 }, { containers: [{ ...CONTAINER, image: "x" }] }),
  }, IMMUTABLE),
  resized(
    "unequal, and with other replicas",
    both(2),
    {
      ...sized({ parallelism: 3, completions: 2 }),
      replicas: 2,
    },
    unequal(2),
    IMMUTABLE,
  ),
]);

const FINISHED = `${JOB_SPEC}: Forbidden: ` +
  "Cannot mutate parallelism or completions when JobSet is in a terminal state (Completed or Failed)";
const condition = (type: string, status: string) => ({
  conditions: [{ type, status, reason: "Test", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" }],
});
e2e.updates("elastic Jobs of a finished JobSet (R74)", [
  ...["Completed", "Failed"].map((type) => ({
    ...resized(`${type}, more of both`, both(2), both(0), FINISHED),
    status: condition(type, "True"),
  })),
  { ...resized("Failed is False", both(2), both(3)), status: condition("Failed", "False") },
  { ...resized("Completed, the same size", both(2), both(2)), status: condition("Completed", "True") },
]);

const using = (resources: JsonObject, extra: JsonObject = {}) =>
  sized({}, { containers: [{ ...CONTAINER, resources }], ...extra });
const helped = (resources: JsonObject) =>
  using({}, { initContainers: [{ name: "init", image: "busybox:1.36", resources }] });
const MORE = { requests: { cpu: "2" }, limits: { cpu: "4", memory: "1Gi" } };

function resourced(what: string, before: JsonObject, after: JsonObject, ...errors: readonly string[]): UpdateCase {
  return {
    what,
    before: jobSet(before, { suspend: true }),
    change: { spec: { suspend: false, ...asObject(replace(after).spec) } },
    errors,
  };
}

e2e.updates("resources of suspended Pods", [
  resourced("requests and limits of a container", using({ requests: { cpu: "1" } }), using(MORE)),
  resourced("those of an init container", helped({}), helped(MORE)),
  resourced("none left", using(MORE), using({})),
  resourced("claims", using({}), using({ claims: [{ name: "gpu" }] }), IMMUTABLE),
  resourced(
    "a container's image",
    using({}),
    sized({}, { containers: [{ ...CONTAINER, image: "x", resources: MORE }] }),
    IMMUTABLE,
  ),
  resourced(
    "a container more",
    using({}),
    sized({}, {
      containers: [{ ...CONTAINER, resources: {} }, { name: "more", image: "busybox:1.36" }],
    }),
    IMMUTABLE,
  ),
  resourced(
    "a container's name",
    using({}),
    sized({}, {
      containers: [{ ...CONTAINER, name: "other", resources: {} }],
    }),
    IMMUTABLE,
  ),
  resized("requests while it runs", using({}), using(MORE), IMMUTABLE),
]);
