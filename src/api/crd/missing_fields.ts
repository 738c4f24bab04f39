import { asArray, asObject, asString, at, type JsonObject } from "../../base/json.ts";
import { GROUP, KIND, VERSION } from "../keys.ts";
import { jobSetSchema } from "./jobset_schema.ts";
import type { Schema } from "./schema.ts";

/** What Kubernetes' own types hold is no business of ours: it is copied as it comes. */
const WHATEVER: Schema = { type: "object" };

/**
 * The JobSet's fields that we know and a served schema does not, as paths such as `spec.volumeClaimPolicies`: the API
 * server drops them without a word (R28). `document` is the OpenAPI v3 document of `jobset.x-k8s.io/v1alpha2`.
 * Undefined where it does not tell of JobSets.
 */
export function missingFields(document: unknown): readonly string[] | undefined {
  const served = servedSchema(document);
  if (served === undefined) return undefined;
  return missingBelow(jobSetSchema({ jobTemplate: WHATEVER, volumeClaim: WHATEVER }), served, "");
}

function servedSchema(document: unknown): JsonObject | undefined {
  const schemas = Object.values(asObject(at(document, "components", "schemas")) ?? {});
  return schemas.map(asObject).find((schema) =>
    asArray(schema?.["x-kubernetes-group-version-kind"]).some((entry) =>
      asString(at(entry, "group")) === GROUP && at(entry, "version") === VERSION && at(entry, "kind") === KIND
    )
  );
}

function missingBelow(ours: Schema, served: JsonObject, path: string): readonly string[] {
  const items = ours.items === undefined ? [] : missingBelow(ours.items, asObject(served["items"]) ?? {}, `${path}[]`);
  const fields = Object.entries(ours.properties ?? {}).flatMap(([name, schema]) => {
    const here = path === "" ? name : `${path}.${name}`;
    const counterpart = asObject(at(served, "properties", name));
    return counterpart === undefined ? [here] : missingBelow(schema, counterpart, here);
  });
  return [...items, ...fields];
}
