/** Our own admission rules, as the API server would ask our webhooks for them (spec 2). */
import { defaultJobSet } from "../../../src/admission/defaults.ts";
import type { ExistingClaim } from "../../../src/admission/existing_claim.ts";
import type { FieldError } from "../../../src/admission/field_error.ts";
import { applyPatch } from "../../../src/admission/json_patch.ts";
import { refusal } from "../../../src/admission/refusal.ts";
import { claimsToLookUp, validateCreate } from "../../../src/admission/validate_create.ts";
import { validateUpdate } from "../../../src/admission/validate_update.ts";
import type { FeatureGates } from "../../../src/api/feature_gates.ts";
import { asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { nameOf, namespaceOf } from "./metadata.ts";
import type { ObjectStore } from "./object_store.ts";
import type { Admission } from "./object_writer.ts";
import { ServerRefusal } from "./server_refusal.ts";

const DENIED = 'admission webhook "vjobset.kb.io" denied the request: ';

export function jobSetWebhooks({ store, gates }: {
  readonly store: ObjectStore;
  readonly gates: FeatureGates;
}): Admission {
  const findClaim = (namespace: string, name: string): ExistingClaim => {
    const found = store.find("persistentvolumeclaims", namespace, name);
    return found === undefined ? { kind: "absent" } : { kind: "found", claim: found.object };
  };
  return {
    mutateCreate: (object) => asObject(applyPatch(object, defaultJobSet(object))) ?? object,
    checkCreate: (object) => {
      const names = claimsToLookUp(object);
      const claims = new Map(names.map((name) => [name, findClaim(namespaceOf(object), name)]));
      refuse(object, validateCreate({ object, gates, claims }));
    },
    checkUpdate: (object, stored) => refuse(object, validateUpdate({ object, oldObject: stored, gates })),
  };
}

/** As the API server hands on what a webhook refuses. */
function refuse(object: JsonObject, errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  const status = refusal(nameOf(object), errors);
  const message = DENIED + (asString(status["message"]) ?? "");
  throw new ServerRefusal(422, "Invalid", message, asObject(at(status, "details")));
}
