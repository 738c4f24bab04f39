import { parse } from "yaml";
import { asArray, asStringMap, at } from "../../src/base/json.ts";
import type { FateRule } from "../kubelet/fate.ts";

/** The file, as it is named to a person in the checkout. */
export const FATES_FILE = "scripts/demo/fates.yaml";

/** Reads the file of fates: a list of labels and fates. */
export function readFates(text: string): readonly FateRule[] {
  const entries: unknown = parse(text);
  return asArray(entries).map((entry) => ({
    labels: asStringMap(at(entry, "labels")),
    fate: asStringMap(at(entry, "fate")),
  }));
}
