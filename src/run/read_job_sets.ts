import { asArray, asObject, asString, at } from "../base/json.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { API_VERSION } from "../api/keys.ts";
import type { ObjectCache } from "../cache/object_cache.ts";
import { isNewerVersion } from "../cache/resource_version.ts";
import { pagesOf } from "../client/pages_of.ts";
import type { KubeClient } from "../client/kube_client.ts";

/** JobSets have some kilobytes each. */
const PAGE_SIZE = "500";
/** More than an API server can hold. */
const MAX_PAGES = 10_000;

/** Lays all JobSets over the cache as the API server has them now; `namespace` undefined: of all namespaces. */
export async function readJobSets(
  { client, jobSets, namespace }: {
    readonly client: KubeClient;
    readonly jobSets: ObjectCache<JobSet>;
    readonly namespace: string | undefined;
  },
): Promise<void> {
  const path = `/apis/${API_VERSION}${namespace === undefined ? "" : `/namespaces/${namespace}`}/jobsets`;
  const found = new Set<string>();
  let version: string | undefined;
  const ask = (token: string | undefined) => {
    const query = { limit: PAGE_SIZE, ...(token === undefined ? {} : { continue: token }) };
    return client.request({ method: "GET", path, query });
  };
  for await (const page of pagesOf(ask, MAX_PAGES)) {
    // All pages are of the version of the first.
    version ??= asString(at(page, "metadata", "resourceVersion"));
    for (const item of asArray(at(page, "items"))) {
      const jobSet = readJobSet(asObject(item) ?? {});
      if (jobSet === undefined) continue;
      found.add(jobSet.uid);
      jobSets.observeWrite(jobSet);
    }
  }
  for (const known of [...jobSets.values()]) {
    const isOlder = version !== undefined && !isNewerVersion(known.resourceVersion, version);
    if (isOlder && !found.has(known.uid)) jobSets.observeDelete(known);
  }
}
