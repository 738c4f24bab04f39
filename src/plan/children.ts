/** The headless Service and the volume claims of a JobSet (spec 3.5, 3.6). */
import { asString, at } from "../base/json.ts";
import { type JobSet, metadataMap } from "../api/job_set.ts";
import { JOBSET_NAME } from "../api/keys.ts";
import { volumeClaimName } from "../api/names.ts";
import { ownerReference } from "./job_factory.ts";
import type { ObjectCreate } from "./types.ts";

/** The Service that gives the Pods their DNS names. */
export function headlessService(jobSet: JobSet): ObjectCreate {
  const name = jobSet.network.subdomain;
  return {
    name,
    body: {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name,
        namespace: jobSet.namespace,
        labels: { [JOBSET_NAME]: jobSet.name },
        ownerReferences: [ownerReference(jobSet)],
      },
      spec: {
        clusterIP: "None",
        selector: { [JOBSET_NAME]: jobSet.name },
        publishNotReadyAddresses: jobSet.network.publishNotReadyAddresses,
      },
    },
  };
}

/** One claim per template; with Retain it outlives the JobSet, so nothing owns it. */
export function volumeClaims(jobSet: JobSet): readonly ObjectCreate[] {
  return jobSet.volumeClaimPolicies.flatMap(({ templates, whenDeleted }) =>
    templates.map((template) => {
      const name = volumeClaimName(asString(at(template, "metadata", "name")) ?? "", jobSet.name);
      return {
        name,
        body: {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: {
            name,
            namespace: jobSet.namespace,
            labels: { ...metadataMap(template, "labels"), [JOBSET_NAME]: jobSet.name },
            annotations: metadataMap(template, "annotations"),
            ...(whenDeleted === "Delete" ? { ownerReferences: [ownerReference(jobSet)] } : {}),
          },
          spec: template["spec"] ?? {},
        },
      };
    })
  );
}
