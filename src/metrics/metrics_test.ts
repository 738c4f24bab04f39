import { expect, test } from "bun:test";
import { testMetrics } from "./test_metrics.ts";

/** Name, type and labels of every metric, as rules and dashboards are written for them (spec 6.4). */
const METRICS: Readonly<Record<string, string>> = {
  jobset_completed_total: "counter {jobset_name,namespace}",
  jobset_failed_total: "counter {jobset_name,namespace}",
  jobset_jobs_created_total: "counter {}",
  jobset_jobs_deleted_total: "counter {}",
  jobset_watch_restarts_total: "counter {resource}",
  jobset_watch_relists_total: "counter {resource}",
  jobset_cache_objects: "gauge {resource}",
  jobset_crd_outdated: "gauge {}",
  jobset_timers: "gauge {}",
  controller_runtime_reconcile_total: "counter {controller,result}",
  controller_runtime_reconcile_errors_total: "counter {controller}",
  controller_runtime_terminal_reconcile_errors_total: "counter {controller}",
  controller_runtime_reconcile_panics_total: "counter {controller}",
  controller_runtime_reconcile_time_seconds: "histogram {controller}",
  controller_runtime_max_concurrent_reconciles: "gauge {controller}",
  controller_runtime_active_workers: "gauge {controller}",
  controller_runtime_webhook_requests_total: "counter {code,webhook}",
  controller_runtime_webhook_latency_seconds: "histogram {webhook}",
  controller_runtime_webhook_requests_in_flight: "gauge {webhook}",
  workqueue_depth: "gauge {controller,name,priority}",
  workqueue_adds_total: "counter {controller,name}",
  workqueue_retries_total: "counter {controller,name}",
  workqueue_queue_duration_seconds: "histogram {controller,name}",
  workqueue_work_duration_seconds: "histogram {controller,name}",
  workqueue_unfinished_work_seconds: "gauge {controller,name}",
  workqueue_longest_running_processor_seconds: "gauge {controller,name}",
  rest_client_requests_total: "counter {code,host,method}",
  leader_election_master_status: "gauge {name}",
  certwatcher_read_certificate_total: "counter {}",
  certwatcher_read_certificate_errors_total: "counter {}",
  process_cpu_seconds_total: "counter {}",
  process_start_time_seconds: "gauge {}",
  process_resident_memory_bytes: "gauge {}",
  process_virtual_memory_bytes: "gauge {}",
  process_open_fds: "gauge {}",
  process_max_fds: "gauge {}",
};

/** As METRICS, of a text with at least one sample of each. */
function describe(text: string): Readonly<Record<string, string>> {
  const described: Record<string, string> = {};
  for (const [, name = "", type = ""] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, "m").exec(text);
    const labels = [...(sample?.[1] ?? "").matchAll(/(\w+)="/g)].map(([, label]) => label).sort();
    described[name] = sample === null ? "no sample" : `${type} {${labels.join(",")}}`;
  }
  return described;
}

test("every metric has the name, type and labels that rules expect", () => {
  const { metrics } = testMetrics();
  metrics.controller("jobset", { workers: 8 });
  metrics.onRequest({ method: "GET", host: "10.0.0.1", path: "/api", code: 200 });
  metrics.jobSets.finished({ namespace: "default", name: "a" }, "Completed");
  metrics.jobSets.finished({ namespace: "default", name: "a" }, "Failed");
  metrics.observeWatch("jobs", () => ({ restarts: 0, relists: 0, objects: 0 }));
  metrics.leading("lease", false);
  metrics.measureWebhooks(["/validate"], () => new Response());
  expect(describe(metrics.text())).toEqual(METRICS);
});

test("every metric says what it is", () => {
  const text = testMetrics().metrics.text();
  const helped = [...text.matchAll(/^# HELP (\S+) \S+/gm)].map(([, name]) => name);
  expect(helped.sort()).toEqual(Object.keys(METRICS).sort());
});

test("two registries know nothing of each other", () => {
  const [one, other] = [testMetrics(), testMetrics()];
  one.metrics.certificateRead(true);
  expect(one.scrape()["certwatcher_read_certificate_total"]).toBe(1);
  expect(other.scrape()["certwatcher_read_certificate_total"]).toBe(0);
});

test("requests are counted by code, method and host; those without an answer as an error", () => {
  const { metrics, scrape } = testMetrics();
  const request = { method: "GET", host: "10.0.0.1:443", path: "/api", code: 200 };
  metrics.onRequest(request);
  metrics.onRequest(request);
  metrics.onRequest({ ...request, method: "PATCH", code: 409 });
  metrics.onRequest({ ...request, code: 0 });
  expect(scrape()).toMatchObject({
    'rest_client_requests_total{code="200",method="GET",host="10.0.0.1:443"}': 2,
    'rest_client_requests_total{code="409",method="PATCH",host="10.0.0.1:443"}': 1,
    'rest_client_requests_total{code="<error>",method="GET",host="10.0.0.1:443"}': 1,
  });
});

test("Jobs count as created and deleted where the API server said so, and nothing else does", () => {
  const { metrics, scrape } = testMetrics();
  const jobs = "/apis/batch/v1/namespaces/default/jobs";
  const send = (method: string, path: string, code: number) => metrics.onRequest({ method, host: "h", path, code });
  send("POST", jobs, 201);
  send("POST", jobs, 201);
  send("POST", jobs, 409);
  send("DELETE", `${jobs}/a`, 200);
  send("DELETE", `${jobs}/a`, 404);
  send("PATCH", `${jobs}/a`, 200);
  send("PATCH", `${jobs}/a/status`, 200);
  send("POST", "/api/v1/namespaces/default/services", 201);
  send("DELETE", "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets/jobs", 200);
  expect(scrape()).toMatchObject({ jobset_jobs_created_total: 2, jobset_jobs_deleted_total: 1 });
});

test("leadership, the CRD and certificates are told as they stand", () => {
  const { metrics, scrape } = testMetrics();
  expect(scrape()).toMatchObject({ jobset_crd_outdated: 0, certwatcher_read_certificate_errors_total: 0 });
  metrics.leading("6d4f6a47.jobset.x-k8s.io", false);
  metrics.crdChecked(true);
  metrics.certificateRead(true);
  metrics.certificateRead(false);
  expect(scrape()).toMatchObject({
    'leader_election_master_status{name="6d4f6a47.jobset.x-k8s.io"}': 0,
    jobset_crd_outdated: 1,
    certwatcher_read_certificate_total: 2,
    certwatcher_read_certificate_errors_total: 1,
  });
  metrics.leading("6d4f6a47.jobset.x-k8s.io", true);
  metrics.crdChecked(false);
  expect(scrape()).toMatchObject({
    'leader_election_master_status{name="6d4f6a47.jobset.x-k8s.io"}': 1,
    jobset_crd_outdated: 0,
  });
});

test("watches and caches are asked at each scrape", () => {
  const { metrics, scrape } = testMetrics();
  let facts = { restarts: 1, relists: 0, objects: 10 };
  metrics.observeWatch("jobs", () => facts);
  scrape();
  facts = { restarts: 3, relists: 1, objects: 7 };
  expect(scrape()).toMatchObject({
    'jobset_watch_restarts_total{resource="jobs"}': 3,
    'jobset_watch_relists_total{resource="jobs"}': 1,
    'jobset_cache_objects{resource="jobs"}': 7,
  });
});

test("a watch that has ended leaves no series behind, and does not take those of its successor", () => {
  const { metrics, scrape } = testMetrics();
  const facts = { restarts: 1, relists: 0, objects: 10 };
  const series = () => Object.keys(scrape()).filter((name) => name.includes('"pods"'));
  const forget = metrics.observeWatch("pods", () => facts);
  expect(series()).toHaveLength(3);
  forget();
  expect(series()).toEqual([]);
  const forgetOlder = metrics.observeWatch("pods", () => facts);
  metrics.observeWatch("pods", () => ({ ...facts }));
  forgetOlder();
  expect(series()).toHaveLength(3);
});

test("the text is of Prometheus' own type", () => {
  expect(testMetrics().metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
});
