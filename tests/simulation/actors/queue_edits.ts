/**
 * What a queue such as Kueue changes in a JobSet's pod templates (spec 9, K10, K16): when it admits, it injects where the Pods
 * belong; when it evicts, it restores what stood there. Both in the patch that flips `suspend`.
 */
import { asArray, asObject, at, type JsonObject } from "../../../src/base/json.ts";
import type { Random } from "../../../src/base/random.ts";
import { between, chance, pick } from "./chance.ts";
import { specOf } from "./objects.ts";
import { FLAVOR, FLAVORS } from "./scheduler.ts";

export const TOPOLOGY_GATE = "kueue.x-k8s.io/topology";
const PODSET = "kueue.x-k8s.io/podset";
const WORKLOAD = "kueue.x-k8s.io/workload";
const HAS_GATE = 0.3;
const CHANGES_RESOURCES = 0.5;

/** The templates of a JobSet that is admitted: each replicatedJob gets a flavor. */
export function admittedTemplates(
  jobSet: JsonObject,
  { random, mayChangeResources }: { readonly random: Random; readonly mayChangeResources: boolean },
): readonly unknown[] {
  const flavor = pick(random, FLAVORS);
  const hasGate = chance(random, HAS_GATE);
  const cpu = mayChangeResources && chance(random, CHANGES_RESOURCES) ? String(between(random, 1, 4)) : undefined;
  return asArray(specOf(jobSet)["replicatedJobs"]).map((entry) => {
    const replicatedJob = asObject(entry) ?? {};
    return withPodTemplate(replicatedJob, (template) => {
      const metadata = asObject(template["metadata"]);
      const spec = specOf(template);
      return {
        ...template,
        metadata: {
          ...metadata,
          labels: { ...asObject(metadata?.["labels"]), [PODSET]: String(replicatedJob["name"]) },
          annotations: { ...asObject(metadata?.["annotations"]), [WORKLOAD]: `workload-${flavor}` },
        },
        spec: {
          ...spec,
          nodeSelector: { ...asObject(spec["nodeSelector"]), [FLAVOR]: flavor },
          tolerations: [...asArray(spec["tolerations"]), { key: FLAVOR, operator: "Equal", value: flavor }],
          ...(hasGate ? { schedulingGates: [{ name: TOPOLOGY_GATE }] } : {}),
          ...(cpu === undefined ? {} : { containers: withCpu(spec["containers"], cpu) }),
        },
      };
    });
  });
}

/** The templates of the JobSet with what its manifest says where a queue injects. */
export function restoredTemplates(jobSet: JsonObject, manifest: JsonObject): readonly unknown[] {
  const originals = asArray(specOf(manifest)["replicatedJobs"]);
  return asArray(specOf(jobSet)["replicatedJobs"]).map((entry) => {
    const replicatedJob = asObject(entry) ?? {};
    const original = originals.find((candidate) => at(candidate, "name") === replicatedJob["name"]);
    const podTemplate = asObject(at(original, "template", "spec", "template"));
    if (podTemplate === undefined) return replicatedJob;
    return withPodTemplate(replicatedJob, (template) => restored(template, podTemplate));
  });
}

function restored(template: JsonObject, original: JsonObject): JsonObject {
  const metadata = asObject(original["metadata"]) ?? {};
  const spec = specOf(original);
  const fields = ["nodeSelector", "tolerations", "schedulingGates"];
  return {
    ...template,
    metadata: copied({ from: metadata, into: asObject(template["metadata"]) ?? {}, fields: ["labels", "annotations"] }),
    spec: {
      ...copied({ from: spec, into: specOf(template), fields }),
      containers: withResources(specOf(template)["containers"], spec["containers"]),
    },
  };
}

/** The fields as they are in the one object, or gone where they are not there, in the other. */
function copied(
  { from, into, fields }: {
    readonly from: JsonObject;
    readonly into: JsonObject;
    readonly fields: readonly string[];
  },
): JsonObject {
  const result: Record<string, unknown> = { ...into };
  for (const field of fields) {
    if (from[field] === undefined) delete result[field];
    else result[field] = from[field];
  }
  return result;
}

function withCpu(containers: unknown, cpu: string): readonly JsonObject[] {
  return asArray(containers).map((container) => {
    const resources = asObject(at(container, "resources"));
    return { ...asObject(container), resources: { ...resources, requests: { cpu }, limits: { cpu } } };
  });
}

function withResources(containers: unknown, originals: unknown): readonly JsonObject[] {
  const list = asArray(originals);
  return asArray(containers).map((container, index) =>
    copied({ from: asObject(list[index]) ?? {}, into: asObject(container) ?? {}, fields: ["resources"] })
  );
}

function withPodTemplate(replicatedJob: JsonObject, change: (template: JsonObject) => JsonObject): JsonObject {
  const template = asObject(replicatedJob["template"]) ?? {};
  const spec = specOf(template);
  const podTemplate = change(asObject(spec["template"]) ?? {});
  return { ...replicatedJob, template: { ...template, spec: { ...spec, template: podTemplate } } };
}
