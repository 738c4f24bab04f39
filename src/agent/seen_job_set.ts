import { asInteger, asObject, at, type JsonObject } from "../base/json.ts";
import { DISABLE_IN_PLACE_RESTART } from "../api/keys.ts";

/** What the agent reads of its JobSet. */
export interface SeenJobSet {
  /** The strategy is InPlaceRestart and no annotation turns it off (spec 5.2). */
  readonly isInPlace: boolean;
  readonly previous: number | undefined;
  readonly current: number | undefined;
}

export function seenJobSet(body: JsonObject): SeenJobSet {
  const annotations = asObject(at(body, "metadata", "annotations")) ?? {};
  const strategy = at(body, "spec", "failurePolicy", "restartStrategy");
  return {
    isInPlace: strategy === "InPlaceRestart" && annotations[DISABLE_IN_PLACE_RESTART] === undefined,
    previous: asInteger(at(body, "status", "previousInPlaceRestartAttempt")),
    current: asInteger(at(body, "status", "currentInPlaceRestartAttempt")),
  };
}
