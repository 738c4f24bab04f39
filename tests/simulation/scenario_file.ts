/** A scenario that was printed, read again. */
import { readFileSync } from "node:fs";
import { asArray, asInteger, asObject, type JsonObject } from "../../src/base/json.ts";
import { NO_FAULTS } from "./draw/draw_faults.ts";
import type { Scenario } from "./types.ts";

/** Throws an error of one line where the file holds no scenario. */
export function readScenario(path: string): Scenario {
  const object = asObject(parse(path));
  const isScenario = object !== undefined && asInteger(object["seed"]) !== undefined &&
    typeof object["calmAtMs"] === "number" && asArray(object["jobSets"]).every((play) => asObject(play) !== undefined);
  if (!isScenario) throw new Error(`"${path}" holds no scenario`);
  return complete(object);
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`reading scenario "${path}": ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What an older scenario lacks, or a hand left out, is as if nothing goes wrong. */
function complete(object: JsonObject): Scenario {
  const scenario: JsonObject = {
    gates: {},
    controllers: 1,
    hasWebhooks: true,
    jobSets: [],
    operations: [],
    incidents: [],
    ...object,
    faults: { ...NO_FAULTS, ...asObject(object["faults"]) },
  };
  return scenario as unknown as Scenario;
}
