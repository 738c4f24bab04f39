import { asBoolean, asInteger, asObject, asString, type JsonObject } from "../base/json.ts";

/** The PriorityClasses of the cluster, as far as the priority of a Pod follows from them. */
export interface Priorities {
  readonly byClass: ReadonlyMap<string, number>;
  /** Of Pods that name no class: the value of the class with `globalDefault`, else 0. */
  readonly globalDefault: number;
}

/** The value of the label `priority`: a negative one as `n<absolute value>`, for no label value begins with a minus (R48). */
export function priorityLabel(priority: number): string {
  return priority < 0 ? `n${-priority}` : String(priority);
}

/** A PriorityClass, as the cache holds it. */
export interface PriorityClass {
  /** Empty: it belongs to the cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: number;
  readonly isGlobalDefault: boolean;
}

/** Trims a PriorityClass; undefined for what is none. */
export function readPriorityClass(body: JsonObject): PriorityClass | undefined {
  const metadata = asObject(body["metadata"]);
  const name = asString(metadata?.["name"]);
  const uid = asString(metadata?.["uid"]);
  if (name === undefined || uid === undefined) return undefined;
  return {
    namespace: "",
    name,
    uid,
    resourceVersion: asString(metadata?.["resourceVersion"]) ?? "",
    value: asInteger(body["value"]) ?? 0,
    isGlobalDefault: asBoolean(body["globalDefault"]) ?? false,
  };
}

/** What they say together. Of several defaults the lowest counts, as the API server has it. */
export function prioritiesOf(classes: Iterable<PriorityClass>): Priorities {
  const byClass = new Map<string, number>();
  let globalDefault: number | undefined;
  for (const { name, value, isGlobalDefault } of classes) {
    byClass.set(name, value);
    if (isGlobalDefault) globalDefault = Math.min(value, globalDefault ?? value);
  }
  return { byClass, globalDefault: globalDefault ?? 0 };
}
