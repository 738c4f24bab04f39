/** JobSets with all that belongs to them as the reference controller leaves them (specs 1 and 3), made by hand. */
import { createHash } from "node:crypto";
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../../src/base/json.ts";
import { annotationsOf, type Cluster, conditionsOf, nameOf, uidOf } from "./cluster.ts";
import { jobSet } from "./job_sets.ts";

const PREFIX = "jobset.sigs.k8s.io/";

export interface Workload {
  readonly name: string;
  readonly groups: readonly JsonObject[];
  /** Further fields of the spec. */
  readonly spec?: JsonObject;
  /** Restarts so far; its Jobs are of that attempt. */
  readonly restarts?: number;
  /** The replicatedJobs that have Jobs; all of them where absent. */
  readonly started?: readonly string[];
  /** Whether a Job is in the state that it is to stay in. */
  readonly isSettled: (job: JsonObject) => boolean;
  /** Fields of the status beside the counters. */
  readonly status?: JsonObject;
}

/** Creates JobSet, Service, claims and Jobs, waits until all have settled, and writes the status. */
export async function makeAsReference(cluster: Cluster, workload: Workload): Promise<void> {
  const { name, groups, restarts = 0, started, isSettled } = workload;
  const body = jobSet(name, groups.map(defaulted), { ...DEFAULTS, ...workload.spec });
  const stored = await cluster.create("jobsets", body);
  await cluster.create("services", {
    metadata: { name, ownerReferences: [ownerOf(stored)] },
    spec: { clusterIP: "None", selector: { [`${PREFIX}jobset-name`]: name }, publishNotReadyAddresses: true },
  });
  for (const template of claimsOf(stored)) {
    await cluster.create("pvcs", {
      metadata: {
        name: `${nameOf(template)}-${name}`,
        labels: { [`${PREFIX}jobset-name`]: name },
        ownerReferences: [ownerOf(stored)],
      },
      spec: template["spec"],
    });
  }
  for (const group of asArray(at(stored, "spec", "replicatedJobs")).map((entry) => asObject(entry) ?? {})) {
    if (started?.includes(asString(group["name"]) ?? "") === false) continue;
    for (let index = 0; index < Number(group["replicas"]); index++) {
      await cluster.create("jobs", jobBody(stored, { group, index, restarts }));
    }
  }
  const jobs = await cluster.eventually(`the Jobs of ${name} to settle`, async () => {
    const seen = await cluster.jobs(name);
    return seen.every(isSettled) ? seen : undefined;
  });
  const counters = groups.map((group) => countersOf(asString(group["name"]) ?? "", jobs));
  await cluster.patchStatus("jobsets", name, {
    ...(restarts === 0 ? {} : { restarts, restartsCountTowardsMax: restarts }),
    // The reference sorts them by name, we do not.
    replicatedJobsStatus: counters.toSorted((a, b) => a.name < b.name ? -1 : 1),
    ...workload.status,
  });
}

/** What the reference's webhook makes of an object that leaves these out (spec 2.1). */
const DEFAULTS = {
  network: { enableDNSHostnames: true, publishNotReadyAddresses: true },
  successPolicy: { operator: "All" },
  startupPolicy: { startupPolicyOrder: "AnyOrder" },
};

function defaulted(group: JsonObject): JsonObject {
  const template = asObject(group["template"]) ?? {};
  return { ...group, template: { ...template, spec: { completionMode: "Indexed", ...asObject(template["spec"]) } } };
}

function ownerOf(stored: JsonObject): JsonObject {
  const { apiVersion, kind } = stored;
  return { apiVersion, kind, name: nameOf(stored), uid: uidOf(stored), controller: true, blockOwnerDeletion: true };
}

function claimsOf(stored: JsonObject): readonly JsonObject[] {
  return asArray(at(stored, "spec", "volumeClaimPolicies"))
    .flatMap((policy) => asArray(at(policy, "templates"))).map((template) => asObject(template) ?? {});
}

interface Place {
  readonly group: JsonObject;
  readonly index: number;
  readonly restarts: number;
}

/** Spec 3.7: the template, with the keys of 1.3 as labels and annotations of the Job and of its Pods. */
function jobBody(stored: JsonObject, place: Place): JsonObject {
  const { group, index } = place;
  const name = `${nameOf(stored)}-${asString(group["name"])}-${index}`;
  const keys = keysOf(stored, place, name);
  const job = asObject(at(group, "template", "spec")) ?? {};
  const pod = asObject(at(job, "template", "spec")) ?? {};
  const withKeys = (metadata: unknown) => ({
    labels: { ...asStringMap(at(metadata, "labels")), ...keys },
    annotations: { ...asStringMap(at(metadata, "annotations")), ...keys },
  });
  const mounted = asArray(pod["containers"]).flatMap((container) => asArray(at(container, "volumeMounts")))
    .map((mount) => asString(at(mount, "name")));
  const volumes = claimsOf(stored).map(nameOf).filter((claim) => mounted.includes(claim))
    .map((claim) => ({ name: claim, persistentVolumeClaim: { claimName: `${claim}-${nameOf(stored)}` } }));
  return {
    metadata: { name, ...withKeys(at(group, "template", "metadata")), ownerReferences: [ownerOf(stored)] },
    spec: {
      ...job,
      suspend: at(stored, "spec", "suspend") === true,
      template: {
        metadata: withKeys(at(job, "template", "metadata")),
        spec: { ...pod, subdomain: nameOf(stored), ...(volumes.length === 0 ? {} : { volumes }) },
      },
    },
  };
}

function keysOf(stored: JsonObject, { group, index, restarts }: Place, job: string): Readonly<Record<string, string>> {
  const groups = asArray(at(stored, "spec", "replicatedJobs")).map((entry) => asObject(entry) ?? {});
  const sum = (of: readonly JsonObject[]) => of.reduce((total, { replicas }) => total + Number(replicas), 0);
  const before = groups.slice(0, groups.indexOf(group));
  const isMate = (other: JsonObject) => other["groupName"] === group["groupName"];
  const coordinator = asObject(at(stored, "spec", "coordinator"));
  const keys = {
    "jobset-name": nameOf(stored),
    "jobset-uid": uidOf(stored),
    "replicatedjob-name": asString(group["name"]) ?? "",
    "replicatedjob-replicas": String(group["replicas"]),
    "restart-attempt": String(restarts),
    "global-replicas": String(sum(groups)),
    "job-index": String(index),
    "job-global-index": String(sum(before) + index),
    "job-key": createHash("sha1").update(`${asString(at(stored, "metadata", "namespace"))}/${job}`).digest("hex"),
    "group-name": asString(group["groupName"]) ?? "",
    "group-replicas": String(sum(groups.filter(isMate))),
    "job-group-index": String(sum(before.filter(isMate)) + index),
    ...(coordinator === undefined ? {} : {
      coordinator:
        `${nameOf(stored)}-${asString(coordinator["replicatedJob"])}-${String(coordinator["jobIndex"] ?? 0)}-` +
        `${String(coordinator["podIndex"] ?? 0)}.${nameOf(stored)}`,
    }),
  };
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [PREFIX + key, value]));
}

/** Spec 1.2. */
function countersOf(name: string, jobs: readonly JsonObject[]) {
  const own = jobs.filter((job) => annotationsOf(job)[`${PREFIX}replicatedjob-name`] === name);
  const isTrue = (job: JsonObject, type: string) =>
    conditionsOf(job).some((condition) => condition.type === type && condition.status === "True");
  const unfinished = own.filter((job) => !isTrue(job, "Complete") && !isTrue(job, "Failed"));
  const number = (job: JsonObject, field: string) => Number(at(job, "status", field) ?? 0);
  return {
    name,
    ready:
      unfinished.filter((job) =>
        number(job, "ready") + number(job, "succeeded") >= Number(at(job, "spec", "parallelism"))
      ).length,
    succeeded: own.filter((job) => isTrue(job, "Complete")).length,
    failed: own.filter((job) => isTrue(job, "Failed")).length,
    active: unfinished.filter((job) => number(job, "active") > 0).length,
    suspended: unfinished.filter((job) => at(job, "spec", "suspend") === true).length,
  };
}
