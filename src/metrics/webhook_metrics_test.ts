import { expect, test } from "bun:test";
import { testMetrics } from "./test_metrics.ts";

const PATH = "/validate-jobset-x-k8s-io-v1alpha2-jobset";
const post = (path: string) => new Request(`https://host${path}?timeout=10s`, { method: "POST", body: "{}" });

test("a webhook's requests are counted by code and timed, by its path", async () => {
  const { clock, metrics, scrape } = testMetrics();
  const serve = metrics.measureWebhooks([PATH], async (request) => {
    clock.advance(40);
    await request.text();
    return new Response("", { status: 413 });
  });
  expect((await serve(post(PATH))).status).toBe(413);
  expect(scrape()).toMatchObject({
    [`controller_runtime_webhook_requests_total{webhook="${PATH}",code="413"}`]: 1,
    [`controller_runtime_webhook_requests_total{webhook="${PATH}",code="200"}`]: 0,
    [`controller_runtime_webhook_requests_total{webhook="${PATH}",code="500"}`]: 0,
    [`controller_runtime_webhook_latency_seconds_bucket{webhook="${PATH}",le="0.025"}`]: 0,
    [`controller_runtime_webhook_latency_seconds_bucket{webhook="${PATH}",le="0.05"}`]: 1,
    [`controller_runtime_webhook_latency_seconds_sum{webhook="${PATH}"}`]: 0.04,
    [`controller_runtime_webhook_requests_in_flight{webhook="${PATH}"}`]: 0,
  });
});

test("requests under way are told", async () => {
  const { metrics, scrape } = testMetrics();
  const { promise, resolve } = Promise.withResolvers<Response>();
  const serve = metrics.measureWebhooks([PATH], () => promise);
  const served = [serve(post(PATH)), serve(post(PATH))];
  expect(scrape()[`controller_runtime_webhook_requests_in_flight{webhook="${PATH}"}`]).toBe(2);
  resolve(new Response("ok"));
  await Promise.all(served);
  expect(scrape()[`controller_runtime_webhook_requests_in_flight{webhook="${PATH}"}`]).toBe(0);
});

test("a handler that throws counts as 500", async () => {
  const { metrics, scrape } = testMetrics();
  const serve = metrics.measureWebhooks([PATH], () => Promise.reject(new Error("broken")));
  await expect(Promise.resolve(serve(post(PATH)))).rejects.toThrow("broken");
  expect(scrape()[`controller_runtime_webhook_requests_total{webhook="${PATH}",code="500"}`]).toBe(1);
});

test("paths that anybody may make up have no series", async () => {
  const { metrics, scrape } = testMetrics();
  const serve = metrics.measureWebhooks([PATH], () => new Response("", { status: 404 }));
  const before = Object.keys(scrape());
  for (let index = 0; index < 100; index++) expect((await serve(post(`/${index}`))).status).toBe(404);
  expect(Object.keys(scrape())).toEqual(before);
});
