import type { Schema } from "./schema.ts";
import { spec } from "./spec_schema.ts";
import { status } from "./status_schema.ts";

/** The schemas of Kubernetes' own types that a JobSet embeds. */
export interface EmbeddedSchemas {
  readonly jobTemplate: Schema;
  readonly volumeClaim: Schema;
}

/** The schema of a whole JobSet, `v1alpha2` (spec 1). */
export function jobSetSchema(embedded: EmbeddedSchemas): Schema {
  return {
    description: "A JobSet runs several groups of Jobs as one unit: they start, fail, restart and finish together.",
    type: "object",
    properties: {
      apiVersion: {
        description: "The API group and version that this object is written in: jobset.x-k8s.io/v1alpha2.",
        type: "string",
      },
      kind: { description: "The kind of this object: JobSet.", type: "string" },
      metadata: { type: "object" },
      spec: spec(embedded),
      status,
    },
  };
}
