/** Names are always valid or refused: a JobSet that passes never leads to an object that the API server won't take for its names. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { errorText } from "../../src/admission/field_error.ts";
import { validateCreate } from "../../src/admission/validate_create.ts";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import { readJobSet } from "../../src/api/job_set.ts";
import { createOf, jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { render } from "../../src/plan/render.ts";

/** A second or two on a machine of its own, and the gate runs beside other work. */
setDefaultTimeout(60_000);

const SEED = 20260801;
const LABEL_1123 = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
/** The Job controller asks for a Pod of this name and five characters more. */
const POD_SUFFIX = "-xxxxx";
const TOPOLOGY = { "alpha.jobset.sigs.k8s.io/exclusive-topology": "rack" };
const BY_SELECTOR = { ...TOPOLOGY, "alpha.jobset.sigs.k8s.io/node-selector": "true" };

interface Names {
  readonly jobSet: string;
  readonly isGenerated: boolean;
  readonly namespace: string;
  readonly replicatedJobs: readonly {
    readonly name: string;
    readonly groupName: string;
    readonly replicas: number;
    readonly completions: number | undefined;
  }[];
  readonly subdomain: string;
  readonly hasDns: boolean;
  readonly claim: string | undefined;
  readonly coordinator: { readonly jobIndex: number; readonly podIndex: number } | undefined;
  readonly annotations: JsonObject;
}

/** Short ones, ones of any length, ones that make names of 63 characters or so with short others, and ones that are wrong somewhere. */
const name: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("a", "js", "w-0", "x1") },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 70 }).map((length) => "n".repeat(length)) },
  { weight: 3, arbitrary: fc.integer({ min: 48, max: 61 }).map((length) => "n".repeat(length)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("", "-", "a-", "-a", "1", "0a", "A", "a.b", "a_b", "ä", "a\nb", "a b", "a.", "xn--a"),
  },
);

const replicatedJob = fc.record({
  name,
  groupName: fc.oneof({ weight: 5, arbitrary: fc.constant("default") }, { weight: 1, arbitrary: name }),
  replicas: fc.constantFrom(0, 1, 2, 10, 11, 1000),
  completions: fc.constantFrom(undefined, 0, 1, 10, 11, 100_000),
});

const names: fc.Arbitrary<Names> = fc.record({
  jobSet: name,
  isGenerated: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  namespace: fc.constantFrom("ns", "n".repeat(40), "n".repeat(63)),
  replicatedJobs: fc.uniqueArray(replicatedJob, { maxLength: 2, selector: ({ name }) => name }),
  subdomain: fc.oneof({ weight: 2, arbitrary: fc.constant("") }, { weight: 1, arbitrary: name }),
  hasDns: fc.boolean(),
  claim: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: name }),
  coordinator: fc.option(fc.constantFrom({ jobIndex: 0, podIndex: 0 }, { jobIndex: 9, podIndex: 9_999 }), {
    nil: undefined,
  }),
  annotations: fc.constantFrom({}, TOPOLOGY, BY_SELECTOR),
});

/** Valid but for its names. */
function manifestOf(all: Names): JsonObject {
  const [first] = all.replicatedJobs;
  const { coordinator } = all;
  const canCoordinate = first !== undefined && coordinator !== undefined && coordinator.jobIndex < first.replicas &&
    coordinator.podIndex < (first.completions ?? 0);
  const canClaim = first !== undefined && all.claim !== undefined;
  return {
    metadata: {
      [all.isGenerated ? "generateName" : "name"]: all.jobSet,
      namespace: all.namespace,
      annotations: all.annotations,
    },
    spec: {
      replicatedJobs: all.replicatedJobs.map(({ name, groupName, replicas, completions }) => ({
        name,
        groupName,
        replicas,
        template: {
          spec: {
            ...(completions === undefined ? {} : { completions }),
            template: { spec: { containers: [{ name: "c", volumeMounts: [{ name: all.claim ?? "own" }] }] } },
          },
        },
      })),
      network: { enableDNSHostnames: all.hasDns, ...(all.subdomain === "" ? {} : { subdomain: all.subdomain }) },
      ...(canCoordinate ? { coordinator: { replicatedJob: first.name, ...coordinator } } : {}),
      ...(canClaim ? { volumeClaimPolicies: [{ templates: [{ metadata: { name: all.claim } }] }] } : {}),
    },
  };
}

/** What an API server would say to the names in these bodies. */
function* wrongNames(objects: readonly JsonObject[]): Generator<string> {
  for (const object of objects) {
    const kind = asString(object["kind"]) ?? "";
    const name = asString(at(object, "metadata", "name")) ?? "";
    if (kind === "Service" && !is(LABEL_1123, name)) yield `Service ${name}`;
    if (kind === "PersistentVolumeClaim" && !is(SUBDOMAIN, name)) yield `claim ${name}`;
    if (kind === "Job") yield* wrongJobNames(object, name);
    yield* wrongLabels(`${kind} ${name}`, at(object, "metadata", "labels"));
  }
}

function* wrongJobNames(job: JsonObject, name: string): Generator<string> {
  const spec = at(job, "spec");
  const pod = at(spec, "template", "spec");
  const completions = at(spec, "completions");
  if (!is(LABEL_1035, name)) yield `Job ${name}`;
  const podName = typeof completions === "number" ? `${name}-${Math.max(completions - 1, 0)}${POD_SUFFIX}` : name;
  if (!is(LABEL_1035, podName)) yield `Pod ${podName}`;
  yield* wrongLabels(`Pod ${podName}`, at(spec, "template", "metadata", "labels"));
  yield* wrongLabels(`node selector of ${podName}`, at(pod, "nodeSelector"));
  for (const volume of asArray(at(pod, "volumes"))) {
    const volumeName = asString(at(volume, "name")) ?? "";
    if (!is(LABEL_1123, volumeName)) yield `volume ${volumeName}`;
  }
  const subdomain = asString(at(pod, "subdomain"));
  if (subdomain !== undefined && !is(LABEL_1123, subdomain)) yield `subdomain ${subdomain}`;
}

function* wrongLabels(of: string, labels: unknown): Generator<string> {
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (!is(LABEL_VALUE, String(value))) yield `label ${key} of ${of}: ${String(value)}`;
  }
}

/** A label, but for a subdomain, has 63 characters at most. */
function is(form: RegExp, name: string): boolean {
  return name.length <= (form === SUBDOMAIN ? 253 : 63) && form.test(name);
}

/** The objects with the longest names: of the Jobs the last of each replicatedJob, or what the first would be where there shall be none. */
function longest(
  manifest: JsonObject,
  { withUnmade }: { readonly withUnmade: boolean } = { withUnmade: true },
): readonly JsonObject[] {
  const spec = asObject(at(manifest, "spec")) ?? {};
  const others = render({ ...manifest, spec: { ...spec, replicatedJobs: [] } });
  const metadata = { uid: "u", ...asObject(at(manifest, "metadata")) };
  const view = readJobSet({ spec, metadata: { name: generated(metadata), ...metadata } });
  if (view === undefined) return others;
  const build = jobFactory(view, nothingKnown());
  const jobs = view.replicatedJobs.flatMap(({ replicas }, position) =>
    replicas > 0 || withUnmade ? [build(createOf(view, position, Math.max(replicas - 1, 0)))] : []
  );
  return [...others, ...jobs];
}

function generated(metadata: JsonObject): string {
  return `${String(metadata["generateName"]).slice(0, 58)}xxxxx`;
}

test("a JobSet that passes has only names that the API server takes", () => {
  let passed = 0;
  fc.assert(
    fc.property(names, (all) => {
      const manifest = manifestOf(all);
      const errors = validateCreate({ object: manifest, gates: DEFAULT_FEATURE_GATES, claims: "offline" });
      if (errors.length > 0) return;
      passed++;
      expect([...new Set(wrongNames(longest(manifest, { withUnmade: false })))]).toEqual([]);
    }),
    { seed: SEED, numRuns: 3_000 },
  );
  expect(passed).toBeGreaterThan(300);
});

test("a JobSet is refused for its names only where the API server would refuse one of them", () => {
  fc.assert(
    fc.property(names, (all) => {
      const manifest = manifestOf(all);
      const errors = validateCreate({ object: manifest, gates: DEFAULT_FEATURE_GATES, claims: "offline" });
      if (errors.length === 0) return;
      const { jobSet, isGenerated, subdomain, claim, replicatedJobs } = all;
      const own = isGenerated ? jobSet.slice(0, 58).replace(/(?<=.)-$/, "a") : jobSet;
      const length = isGenerated ? jobSet.slice(0, 58).length + 5 : jobSet.length;
      const wrong = [
        ...(is(SUBDOMAIN, own) ? [] : [`JobSet ${own}`]),
        ...(subdomain === "" || is(LABEL_1035, subdomain) ? [] : [`Service ${subdomain}`]),
        ...replicatedJobs.filter(({ groupName }) => !is(LABEL_1035, groupName)).map(({ groupName }) => groupName),
        ...(claim === undefined || (is(SUBDOMAIN, claim) && claim.length + 1 + length <= 63) ? [] : [claim]),
        ...wrongNames(longest(manifest)),
      ];
      expect({ errors: errors.map(errorText), hasWrongNames: wrong.length > 0 })
        .toEqual({ errors: errors.map(errorText), hasWrongNames: true });
    }),
    { seed: SEED, numRuns: 3_000 },
  );
});
