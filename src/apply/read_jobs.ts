import { asArray, asObject, at } from "../base/json.ts";
import { type Job, readJob } from "../api/job.ts";
import type { JobSet } from "../api/job_set.ts";
import type { ObjectCache } from "../cache/object_cache.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { pagesOf } from "../client/pages_of.ts";
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
  const ask = (page: string | undefined) => client.request(listJobs(namespace, { jobSet: name, page }));
  for await (const page of pagesOf(ask, MAX_PAGES)) {
    for (const item of asArray(at(page, "items"))) {
      const job = readJob(asObject(item) ?? {});
      if (job !== undefined) jobs.observeWrite(job);
    }
  }
}
