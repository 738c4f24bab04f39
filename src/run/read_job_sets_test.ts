import { expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { ObjectCache } from "../cache/object_cache.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { readJobSets } from "./read_job_sets.ts";

function body(name: string, resourceVersion: number, uid = `uid-${name}`): JsonObject {
  return { metadata: { namespace: "ns", name, uid, resourceVersion: String(resourceVersion) }, spec: {} };
}

function cacheOf(...bodies: readonly JsonObject[]): ObjectCache<JobSet> {
  const cache = new ObjectCache<JobSet>();
  cache.replace(bodies.map((each) => readJobSet(each)).filter((each) => each !== undefined), "10");
  return cache;
}

/** Answers with these pages, one after the other. */
function paged(...pages: readonly (readonly JsonObject[])[]): KubeClient & { readonly asked: KubeRequest[] } {
  const asked: KubeRequest[] = [];
  return {
    asked,
    request(request) {
      const items = pages[asked.push(request) - 1] ?? [];
      const rest = asked.length < pages.length ? { continue: `page ${asked.length}` } : {};
      return Promise.resolve({ metadata: { resourceVersion: "20", ...rest }, items });
    },
    stream: () => Promise.reject(new Error("no streams here")),
  };
}

test("what is newer is taken, what is gone goes, and what is newer than the list stays", async () => {
  const jobSets = cacheOf(body("same", 3), body("old", 4), body("gone", 5), body("own", 25));
  const client = paged([body("same", 3), body("old", 12)], [body("new", 13)]);
  await readJobSets({ client, jobSets, namespace: undefined });
  const versions = [...jobSets.values()].map(({ name, resourceVersion }) => `${name} ${resourceVersion}`).sort();
  expect(versions).toEqual(["new 13", "old 12", "own 25", "same 3"]);
  expect(client.asked.map(({ path, query }) => [path, query?.["continue"]])).toEqual([
    ["/apis/jobset.x-k8s.io/v1alpha2/jobsets", undefined],
    ["/apis/jobset.x-k8s.io/v1alpha2/jobsets", "page 1"],
  ]);
});

test("one that was made anew under its name takes the place of the other", async () => {
  const jobSets = cacheOf(body("a", 3, "first"));
  await readJobSets({ client: paged([body("a", 15, "second")]), jobSets, namespace: "ns" });
  expect([...jobSets.values()].map(({ uid }) => uid)).toEqual(["second"]);
});
