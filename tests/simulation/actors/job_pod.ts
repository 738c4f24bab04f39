/** The Pods that the Job controller makes. */
import { asObject, type JsonObject } from "../../../src/base/json.ts";
import type { Random } from "../../../src/base/random.ts";
import { JOB_COMPLETION_INDEX } from "../../../src/api/keys.ts";
import { keyOf, metadataOf, specOf, uidOf } from "./objects.ts";

const LETTERS = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;

/** A new Pod of a Job; `index` for a Job that is Indexed. */
export function jobPod(job: JsonObject, index: number | undefined, random: Random): JsonObject {
  const { namespace, name } = keyOf(job);
  const template = asObject(specOf(job)["template"]) ?? {};
  const metadata = metadataOf(template);
  const prefix = index === undefined ? name : `${name}-${index}`;
  const own = index === undefined ? {} : { [JOB_COMPLETION_INDEX]: String(index) };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${prefix}-${suffix(random)}`,
      namespace,
      labels: { ...asObject(metadata["labels"]), ...own },
      annotations: { ...asObject(metadata["annotations"]), ...own },
      ownerReferences: [{
        apiVersion: "batch/v1",
        kind: "Job",
        name,
        uid: uidOf(job),
        controller: true,
        blockOwnerDeletion: true,
      }],
    },
    spec: { ...specOf(template), ...(index === undefined ? {} : { hostname: prefix }) },
  };
}

function suffix(random: Random): string {
  let text = "";
  while (text.length < SUFFIX_LENGTH) text += LETTERS[Math.floor(random.next() * LETTERS.length)] ?? "b";
  return text;
}
