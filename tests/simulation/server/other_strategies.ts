/** Services, claims, Events and PriorityClasses: what the API server adds, and the rules that our requests may meet. */
import { asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import { deepEqual } from "./deep_equal.ts";
import { nameOf } from "./metadata.ts";
import { withDefaults } from "./pod_defaults.ts";
import { type FieldCause, invalidField, plainInvalid } from "./server_refusal.ts";
import { PLAIN, type Strategy } from "./strategy.ts";

const SERVICE_DEFAULTS: JsonObject = { type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" };
const FAMILIES: JsonObject = { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" };
const MAX_NOTE_BYTES = 1024;
/** Of an Event all but its series. */
const EVENT_FIELDS = ["eventTime", "reportingController", "reportingInstance", "action", "reason", "regarding", "type"];
const ENCODER = new TextEncoder();

export const SERVICE_STRATEGY: Strategy = {
  ...PLAIN,
  prepareCreate: (object) => {
    const spec = asObject(object["spec"]) ?? {};
    const isHeadless = spec["clusterIP"] === "None";
    const more = { ...SERVICE_DEFAULTS, ...FAMILIES, ...(isHeadless ? { clusterIPs: ["None"] } : {}) };
    return { ...object, spec: withDefaults(spec, more), status: { loadBalancer: {} } };
  },
  validateCreate: (service) => {
    const name = nameOf(service);
    return name.includes(".") ? [invalidField("metadata.name", name, "must not contain dots")] : [];
  },
};

export const CLAIM_STRATEGY: Strategy = {
  ...PLAIN,
  prepareCreate: (object) => {
    const spec = withDefaults(asObject(object["spec"]) ?? {}, { volumeMode: "Filesystem" });
    return { ...object, spec, status: { phase: "Pending" } };
  },
};

export const EVENT_STRATEGY: Strategy = {
  ...PLAIN,
  prepareCreate: (object) => ({
    ...object,
    deprecatedSource: {},
    deprecatedFirstTimestamp: null,
    deprecatedLastTimestamp: null,
  }),
  validateCreate: eventCauses,
  validateUpdate: (event, stored) => [
    ...eventCauses(event),
    ...EVENT_FIELDS.flatMap((field) =>
      deepEqual(event[field], stored[field]) ? [] : [invalidField(field, event[field], "field is immutable")]
    ),
    // The API server speaks of Events in the names of their older version.
    ...(event["note"] === stored["note"] ? [] : [invalidField("message", event["note"], "field is immutable")]),
  ],
};

function eventCauses(event: JsonObject): readonly FieldCause[] {
  const causes: FieldCause[] = [];
  const note = asString(event["note"]) ?? "";
  if (note.length > MAX_NOTE_BYTES / 3 && ENCODER.encode(note).length > MAX_NOTE_BYTES) {
    causes.push(plainInvalid("message", '"": can have at most 1024 characters'));
  }
  const count = at(event, "series", "count");
  if (event["series"] !== undefined && !(typeof count === "number" && count >= 2)) {
    causes.push(plainInvalid("series.count", '"": should be at least 2'));
  }
  return causes;
}

export const PRIORITY_CLASS_STRATEGY: Strategy = {
  ...PLAIN,
  prepareCreate: (object) => withDefaults(object, { preemptionPolicy: "PreemptLowerPriority" }),
};

export const NODE_STRATEGY: Strategy = {
  ...PLAIN,
  prepareCreate: (object) => withDefaults(object, { spec: {}, status: {} }),
};
