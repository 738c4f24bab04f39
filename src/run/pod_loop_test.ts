import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { at } from "../base/json.ts";
import { DEFAULT_FEATURE_GATES } from "../api/feature_gates.ts";
import { type JobSet, readJobSet } from "../api/job_set.ts";
import { ObjectCache } from "../cache/object_cache.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeRequest } from "../client/kube_client.ts";
import { testMetrics } from "../metrics/test_metrics.ts";
import { WorkQueue } from "../queue/work_queue.ts";
import { POD_WORKERS, runPodLoop } from "./pod_loop.ts";
import { PodWatches } from "./pod_watches.ts";
import { jobSetBody, nodeBody, podBody, ZONE } from "./test_placement.ts";
import { TestWatchServer } from "./test_watch_server.ts";

const PODS = "/api/v1/pods";

test("what an outage held up goes on as soon as the API server answers again", async () => {
  const clock = new FakeClock();
  const server = new TestWatchServer();
  const leader = podBody({ name: "leader", node: "n1" });
  server.put("/api/v1/nodes", nodeBody("n1", { [ZONE]: "a" }));
  server.put(PODS, leader);
  server.put(PODS, podBody({ name: "wrong", index: 1, selector: { [ZONE]: "b" } }));
  const requests: KubeRequest[] = [];
  let isAway = true;
  const request = (sent: KubeRequest) => {
    requests.push(sent);
    if (isAway) return Promise.reject(new ApiError({ status: 0, reason: "Network", message: "connection refused" }));
    return Promise.resolve(sent.method === "GET" ? { items: [leader] } : {});
  };
  const jobSets = new ObjectCache<JobSet>();
  jobSets.replace([jobSetBody("js", [ZONE])].map(readJobSet).filter((jobSet) => jobSet !== undefined), "1");
  const { metrics } = testMetrics();
  const parts = {
    client: { request, stream: (sent: KubeRequest) => server.stream(sent) },
    clock,
    random: { next: () => 0.5 },
    log: { info() {}, error() {} },
  };
  const podWatches = new PodWatches({
    ...parts,
    jobSets,
    gates: DEFAULT_FEATURE_GATES,
    namespace: undefined,
    observe: metrics.observeWatch,
  });
  const end = new AbortController();
  let recovered = () => {};
  const running = runPodLoop(
    {
      ...parts,
      watches: { onRecovered: (listener) => recovered = listener },
      podWatches,
      lookUps: { domain: () => Promise.resolve("a") },
      queue: new WorkQueue({ clock }),
      reconciles: metrics.controller("pod", { workers: POD_WORKERS }),
    },
    end.signal,
    end.signal,
  );
  // So long that the next try is half a minute away.
  await clock.advanceAndSettle(200_000);
  const deleted = () => requests.filter(({ method }) => method === "DELETE").map(({ body }) => body);
  isAway = false;
  expect(deleted()).toEqual([]);
  recovered();
  await clock.advanceAndSettle(1_000);
  expect(deleted().map((body) => at(body, "preconditions", "uid"))).toEqual(["uid-wrong"]);
  expect(requests.map(({ method }) => method).slice(-3)).toEqual(["GET", "PATCH", "DELETE"]);
  // What is done has nothing to hurry for.
  recovered();
  await clock.advanceAndSettle(1_000);
  expect(deleted()).toHaveLength(1);
  podWatches.stop();
  end.abort();
  await running;
});
