import { type Definitions, embedSchema } from "./embed_schema.ts";
import { jobSetSchema } from "./jobset_schema.ts";

/** The definitions of the API server's OpenAPI documents that a JobSet embeds. */
export const EMBEDDED_DEFINITIONS = {
  jobTemplate: "io.k8s.api.batch.v1.JobTemplateSpec",
  volumeClaim: "io.k8s.api.core.v1.PersistentVolumeClaim",
} as const;

/** The JobSet CRD as an object, made from the definitions of the pinned API server (spec 1). */
export function jobSetCrd(definitions: Definitions) {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "jobsets.jobset.x-k8s.io" },
    spec: {
      group: "jobset.x-k8s.io",
      scope: "Namespaced",
      names: { plural: "jobsets", singular: "jobset", kind: "JobSet", listKind: "JobSetList" },
      conversion: { strategy: "None" },
      versions: [{
        name: "v1alpha2",
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: "TerminalState", type: "string", jsonPath: ".status.terminalState", description: "How it ended" },
          { name: "Restarts", type: "string", jsonPath: ".status.restarts", description: "Restarts of the JobSet" },
          {
            name: "Completed",
            type: "string",
            jsonPath: '.status.conditions[?(@.type=="Completed")].status',
            description: "Whether it has completed",
          },
          { name: "Suspended", type: "string", jsonPath: ".spec.suspend", description: "Whether it is suspended" },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since creation" },
        ],
        schema: {
          openAPIV3Schema: jobSetSchema({
            jobTemplate: embedSchema(definitions, EMBEDDED_DEFINITIONS.jobTemplate),
            volumeClaim: embedSchema(definitions, EMBEDDED_DEFINITIONS.volumeClaim),
          }),
        },
      }],
    },
  };
}
