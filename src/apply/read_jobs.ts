import { asArray, asObject, asString, at } from "../base/json.ts";
import { type Job, readJob } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import type { ObjectCache } from "../cache/object_cache.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { listJobs } from "./requests.ts";

/** Pages of 500: more than any JobSet can have. */
const MAX_PAGES = 1_000;

/**
 * Lays the Jobs of a JobSet over the cache as the API server has them now. A status may be newer than what is known of the Jobs: the
 * successes that it counts are then of Jobs that are still taken for running, and not of those that are missing. So this comes before
 * any Job is taken for one that has succeeded and gone (spec 3.7, R81).
 */
export async function readJobs(
  { namespace, name }: JobSet,
  { client, jobs }: { readonly client: KubeClient; readonly jobs: ObjectCache<Job> },
): Promise<void> {
  let page: string | undefined;
  for (let pages = 0; pages < MAX_PAGES && page !== ""; pages++) {
    const answer = await client.request(listJobs(namespace, { jobSet: name, page }));
    for (const item of asArray(at(answer, "items"))) {
      const job = readJob(asObject(item) ?? {});
      if (job !== undefined) jobs.observeWrite(job);
    }
    page = asString(at(answer, "metadata", "continue")) ?? "";
  }
}
