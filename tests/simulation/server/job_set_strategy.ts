/** JobSets: our CRD's schema, its CEL rules, and our webhooks. */
import { asObject, type JsonObject } from "../../../src/base/json.ts";
import published from "../../../src/api/crd/kubernetes_1_36.json" with { type: "json" };
import { embedSchema } from "../../../src/api/crd/embed_schema.ts";
import { EMBEDDED_DEFINITIONS } from "../../../src/api/crd/jobset_crd.ts";
import { jobSetSchema } from "../../../src/api/crd/jobset_schema.ts";
import type { Schema } from "../../../src/api/crd/schema.ts";
import { conformed, isBlocked, schemaCauses, withUnchecked } from "./crd_schema.ts";
import { onlyRules, ruleCauses } from "./crd_rules.ts";
import { deepEqual } from "./deep_equal.ts";
import type { FieldCause } from "./server_refusal.ts";
import type { Strategy } from "./strategy.ts";

/** The schemas of the two halves of a JobSet. */
export interface JobSetSchemas {
  readonly whole: Schema;
  readonly spec: Schema;
  readonly status: Schema;
  /** As much of the spec's as has CEL rules. */
  readonly rules: Schema;
}

/** Made from the definitions that the CRD embeds. It takes some milliseconds: servers made one after the other share it. */
export function jobSetSchemas(): JobSetSchemas {
  const whole = jobSetSchema({
    jobTemplate: embedSchema(published.definitions, EMBEDDED_DEFINITIONS.jobTemplate),
    volumeClaim: embedSchema(published.definitions, EMBEDDED_DEFINITIONS.volumeClaim),
  });
  const { spec, status } = whole.properties ?? {};
  if (spec === undefined || status === undefined) throw new Error("the schema of a JobSet lacks its spec or status");
  return { whole, spec, status, rules: onlyRules(spec) };
}

export function jobSetStrategy(schemas: JobSetSchemas): Strategy {
  const specCauses = (next: JsonObject, stored: JsonObject | undefined): readonly FieldCause[] => {
    const [self, oldSelf] = [next["spec"], stored?.["spec"]];
    if (self === undefined || self === oldSelf) return [];
    const causes = schemaCauses(schemas.spec, { value: self, path: "spec" });
    if (isBlocked(causes)) return withUnchecked(causes);
    return [...causes, ...ruleCauses(schemas.rules, { self, oldSelf, path: "spec" })];
  };
  return {
    prepareCreate: (object) => {
      const { status: _, ...rest } = known(object);
      return withSpec(rest, schemas.spec);
    },
    validateCreate: (object) => specCauses(object, undefined),
    prepareUpdate: (next, stored) => next["spec"] === stored["spec"] ? next : withSpec(known(next), schemas.spec),
    validateUpdate: specCauses,
    wantsSame: deepEqual,
    prepareStatus: (status) => conformed(schemas.status, status ?? undefined),
    validateStatus: ({ status }) => withUnchecked(schemaCauses(schemas.status, { value: status, path: "status" })),
  };
}

/** The schema prunes what it does not name. */
function known({ apiVersion, kind, metadata, spec, status }: JsonObject): JsonObject {
  return { apiVersion, kind, metadata, spec, status };
}

function withSpec(object: JsonObject, schema: Schema): JsonObject {
  const spec = conformed(schema, asObject(object["spec"]) ?? object["spec"] ?? undefined);
  return spec === object["spec"] ? object : { ...object, spec };
}
