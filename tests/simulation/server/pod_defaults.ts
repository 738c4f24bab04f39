/** The defaults of Pods and Pod templates, and the one way of writing what is empty. */
import { asArray, asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import { isEmpty } from "./metadata.ts";

const SPEC_DEFAULTS: JsonObject = {
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
};

const CONTAINER_DEFAULTS: JsonObject = {
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};

/** Left out where it is empty. */
const OMITTED_IN_SPEC = ["nodeSelector", "tolerations", "schedulingGates", "initContainers", "volumes"];
const OMITTED_IN_METADATA = ["labels", "annotations"];
const OMITTED_IN_RESOURCES = ["requests", "limits", "claims"];

/** The template with the defaults of its Pods; the same object where it has them all. */
export function defaultedTemplate(template: JsonObject): JsonObject {
  const metadata = withoutEmpty(asObject(template["metadata"]) ?? {}, OMITTED_IN_METADATA);
  const spec = defaultedPodSpec(asObject(template["spec"]) ?? {});
  const isSame = metadata === template["metadata"] && spec === template["spec"];
  return isSame ? template : { ...template, metadata, spec };
}

/** As `defaultedTemplate`, of a Pod's own spec. */
export function defaultedPodSpec(spec: JsonObject): JsonObject {
  let made = withoutEmpty(withDefaults(spec, SPEC_DEFAULTS), OMITTED_IN_SPEC);
  for (const list of ["containers", "initContainers"]) {
    const containers = asArray(made[list]);
    const defaulted = containers.map((container) => defaultedContainer(asObject(container) ?? {}));
    if (defaulted.some((container, index) => container !== containers[index])) made = { ...made, [list]: defaulted };
  }
  return made;
}

function defaultedContainer(container: JsonObject): JsonObject {
  const image = asString(container["image"]) ?? "";
  const imagePullPolicy = !image.includes(":") || image.endsWith(":latest") ? "Always" : "IfNotPresent";
  const made = withDefaults(withDefaults(container, CONTAINER_DEFAULTS), { imagePullPolicy });
  const resources = asObject(made["resources"]) ?? {};
  const kept = withoutEmpty(resources, OMITTED_IN_RESOURCES);
  return kept === made["resources"] ? made : { ...made, resources: kept };
}

/** The same object where nothing is missing. */
export function withDefaults(object: JsonObject, defaults: JsonObject): JsonObject {
  let made: Record<string, unknown> | undefined;
  for (const field in defaults) {
    if ((object[field] ?? undefined) === undefined) (made ??= { ...object })[field] = defaults[field];
  }
  return made ?? object;
}

/** The same object where there is nothing to leave out. */
export function withoutEmpty(object: JsonObject, fields: readonly string[]): JsonObject {
  let made: Record<string, unknown> | undefined;
  for (const field of fields) {
    if (field in object && isEmpty(object[field])) delete (made ??= { ...object })[field];
  }
  return made ?? object;
}
