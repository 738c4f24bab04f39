/** What the Pods of a Job get must be what the JobSet says now (spec 1.3, 3.7, 3.8: K16, R34, R85). */
import { createHash } from "node:crypto";
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import { asArray, asStringMap, at, type JsonObject } from "../../../src/base/json.ts";
import type { JobFacts } from "./job_facts.ts";
import type { JobSetFacts } from "./job_set_facts.ts";
import type { Bench } from "./theme.ts";

const PREFIX = "jobset.sigs.k8s.io/";
const ALPHA = "alpha.jobset.sigs.k8s.io/";

interface Compared {
  readonly jobSet: JobSetFacts;
  readonly job: JobFacts;
  readonly object: JsonObject | undefined;
  readonly gates: FeatureGates;
}

/** What is not as it should be, or nothing. */
export function templateProblem({ jobSet, job, object, gates }: Compared): string | undefined {
  const replicatedJob = jobSet.spec.replicatedJobs.find(({ name }) => name === job.replicatedJob);
  if (replicatedJob === undefined || object === undefined) return "it has no place in the spec";
  const wanted = at(replicatedJob.template, "spec", "template");
  const found = at(object, "spec", "template");
  const own = ownKeys(jobSet, job);
  const placement = { ...placementOf(jobSet.object), ...placementOf(replicatedJob.template) };
  const isPlaced = `${ALPHA}exclusive-topology` in placement && `${ALPHA}node-selector` in placement;
  const selector = isPlaced ? { [`${ALPHA}namespaced-job`]: `${job.namespace}_${job.name}` } : {};
  const toleration = { key: `${ALPHA}no-schedule`, operator: "Exists", effect: "NoSchedule" };
  const labels = asStringMap(at(found, "metadata", "labels"));
  return difference("labels", { ...asStringMap(at(wanted, "metadata", "labels")), ...own }, ours(labels)) ??
    difference(
      "annotations",
      { ...asStringMap(at(wanted, "metadata", "annotations")), ...own, ...placement },
      ours(asStringMap(at(found, "metadata", "annotations"))),
    ) ??
    difference("controller-uid", job.uid, labels["batch.kubernetes.io/controller-uid"]) ??
    difference(
      "nodeSelector",
      { ...asStringMap(at(wanted, "spec", "nodeSelector")), ...selector },
      asStringMap(at(found, "spec", "nodeSelector")),
    ) ??
    difference(
      "tolerations",
      [...asArray(at(wanted, "spec", "tolerations")), ...(isPlaced ? [toleration] : [])],
      asArray(at(found, "spec", "tolerations")),
    ) ??
    difference(
      "schedulingGates",
      asArray(at(wanted, "spec", "schedulingGates")),
      asArray(at(found, "spec", "schedulingGates")),
    ) ??
    (gates.MutablePodResourcesForSuspendedJobSets
      ? difference("resources", resourcesOf(wanted), resourcesOf(found))
      : undefined) ??
    (gates.ElasticJobSet ? sizeProblem(at(replicatedJob.template, "spec"), job) : undefined);
}

/**
 * Whether the Job goes on with a template that its JobSet, which runs too, was suspended to replace, though nobody saw that (R34). Where
 * no webhooks guard it, a JobSet may have been edited as it ran.
 */
export function isOutdatedJob(
  { truth, view, gates }: Bench,
  { uid, ownerUid }: Pick<JobFacts, "uid" | "ownerUid">,
): boolean {
  const record = truth.jobSets.get(ownerUid ?? "");
  if (record?.hasNewTemplates !== true || !view.scenario.hasWebhooks) return false;
  const job = truth.jobs.get(uid);
  // Of one that is gone nobody can say any more.
  if (job === undefined) return true;
  return templateProblem({ jobSet: record.facts, job: job.facts, object: job.object, gates }) !== undefined;
}

/** Spec 3.2, step 9: only where the template's two are equal. */
function sizeProblem(spec: unknown, { parallelism, completions }: JobFacts): string | undefined {
  const size = at(spec, "parallelism");
  if (size === undefined || at(spec, "completions") !== size) return undefined;
  return difference("sizes", [size, size], [parallelism, completions]);
}

function resourcesOf(template: unknown): readonly unknown[] {
  const containers = [
    ...asArray(at(template, "spec", "initContainers")),
    ...asArray(at(template, "spec", "containers")),
  ];
  return containers.map((container) => ({
    name: at(container, "name"),
    requests: at(container, "resources", "requests") ?? {},
    limits: at(container, "resources", "limits") ?? {},
  }));
}

/** Spec 1.3, but for what another theme judges. */
function ownKeys({ spec, name, namespace, uid }: JobSetFacts, job: JobFacts): Readonly<Record<string, string>> {
  const position = spec.replicatedJobs.findIndex((candidate) => candidate.name === job.replicatedJob);
  const replicatedJob = spec.replicatedJobs[position];
  const sum = (jobs: typeof spec.replicatedJobs) => jobs.reduce((total, { replicas }) => total + replicas, 0);
  const ofGroup = (jobs: typeof spec.replicatedJobs) =>
    jobs.filter(({ groupName }) => groupName === replicatedJob?.groupName);
  const before = spec.replicatedJobs.slice(0, position);
  const { coordinator } = spec;
  const values: Record<string, string> = {
    "jobset-name": name,
    "jobset-uid": uid,
    "replicatedjob-name": job.replicatedJob,
    "replicatedjob-replicas": String(replicatedJob?.replicas),
    "restart-attempt": String(job.attempt),
    "global-replicas": String(sum(spec.replicatedJobs)),
    "job-index": String(job.index),
    "job-global-index": String(sum(before) + job.index),
    "job-key": createHash("sha1").update(`${namespace}/${job.name}`).digest("hex"),
    "group-name": replicatedJob?.groupName ?? "",
    "group-replicas": String(sum(ofGroup(spec.replicatedJobs))),
    "job-group-index": String(sum(ofGroup(before)) + job.index),
  };
  if (coordinator !== undefined) {
    const { replicatedJob: of, jobIndex, podIndex } = coordinator;
    values["coordinator"] = `${name}-${of}-${jobIndex}-${podIndex}.${spec.network.subdomain}`;
  }
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [PREFIX + key, value]));
}

/** Without what the Job controller puts there, and what other themes and gates are about. */
function ours(found: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(found).filter(([key]) => {
      return !key.startsWith("batch.kubernetes.io/") && key !== "controller-uid" && key !== "job-name" &&
        key !== `${PREFIX}priority` && key !== `${PREFIX}job-restart-attempt` && key !== `${PREFIX}execution-attempt`;
    }),
  );
}

function placementOf(holder: JsonObject): Readonly<Record<string, string>> {
  const annotations = asStringMap(at(holder, "metadata", "annotations"));
  const topology = annotations[`${ALPHA}exclusive-topology`];
  const selector = annotations[`${ALPHA}node-selector`];
  return {
    ...(topology === undefined ? {} : { [`${ALPHA}exclusive-topology`]: topology }),
    ...(topology === undefined || selector === undefined ? {} : { [`${ALPHA}node-selector`]: selector }),
  };
}

function difference(what: string, wanted: unknown, found: unknown): string | undefined {
  const text = (value: unknown) => JSON.stringify(sorted(value)) ?? "nothing";
  return text(wanted) === text(found) ? undefined : `${what} are ${text(found)}, not ${text(wanted)}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1).map(([key, entry]) => [key, sorted(entry)]),
  );
}
