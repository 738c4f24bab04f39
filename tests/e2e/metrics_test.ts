/** What /metrics of the executable tells of its work (spec 6.4), to whom, and in what form. */
import { expect } from "bun:test";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { checkMetrics, findPromtool } from "../contract/promtool.ts";
import type { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { configFile } from "./installation.ts";
import { callReplica, secretTexts } from "./installed_certificates.ts";
import { complete, fail } from "./job_status.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { login, scrape, series, whileReader } from "./scrape.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const LEADER = 'leader_election_master_status{name="6d4f6a47.jobset.x-k8s.io"}';
const JOBSET = 'controller="jobset"';
const VALIDATE = 'webhook="/validate-jobset-x-k8s-io-v1alpha2-jobset"';

interface Replica {
  readonly controller: Controller;
  readonly webhookPort: number;
  readonly metricsPort: number;
}

/** As installed, for the test's namespace alone. */
async function started(cluster: Cluster): Promise<Replica> {
  const { environment, namespace } = cluster;
  const [webhookPort = 0, metricsPort = 0] = await findFreePorts(2);
  const config = await configFile(environment, { webhooks: webhookPort, metrics: metricsPort });
  const flags = [`--config=${config}`, `--namespace=${namespace}`];
  const controller = new Controller(environment, await environment.controllerKubeconfig(), { flags });
  await controller.start();
  return { controller, webhookPort, metricsPort };
}

async function read(cluster: Cluster, { metricsPort }: Replica, token: string): Promise<ReadonlyMap<string, number>> {
  const { status, text } = await cluster.eventually("metrics to be served", () => scrape(metricsPort, token));
  if (status !== 200) throw new Error(`scrape: ${status} ${text}`);
  return series(text);
}

/** A JobSet that completes, one that fails, and a review. */
async function work(cluster: Cluster, { webhookPort }: Replica): Promise<void> {
  for (const name of ["good", "bad"]) await cluster.create("jobsets", jobSet(name, [byHand("a")]));
  await cluster.jobCount("good", 1);
  await cluster.jobCount("bad", 1);
  await complete(cluster, "good-a-0");
  await fail(cluster, "bad-a-0");
  await cluster.terminal("good", "Completed");
  await cluster.terminal("bad", "Failed");
  await callReplica(webhookPort, (await secretTexts(cluster.api))["ca.crt"] ?? "");
}

e2e.test("metrics move with the work, the leader is told from the standby, promtool finds nothing to say", async (cluster) => {
  const replicas: Replica[] = [];
  const [reader, stranger] = [await login(cluster, "reader"), await login(cluster, "stranger")];
  const observe = async () => {
    const leader = await started(cluster);
    replicas.push(leader);
    await cluster.eventually("a leader", async () => (await read(cluster, leader, reader)).get(LEADER) === 1);
    const standby = await started(cluster);
    replicas.push(standby);
    const before = await read(cluster, leader, reader);
    await work(cluster, leader);
    const after = await read(cluster, leader, reader);
    const grown = (name: string) => (after.get(name) ?? Number.NaN) - (before.get(name) ?? 0);
    const of = (name: string) => `{jobset_name="${name}",namespace="${cluster.namespace}"}`;
    expect(after.get(`jobset_completed_total${of("good")}`)).toBe(1);
    expect(after.get(`jobset_failed_total${of("bad")}`)).toBe(1);
    expect(grown(`controller_runtime_reconcile_total{${JOBSET},result="success"}`)).toBeGreaterThan(3);
    expect(grown(`controller_runtime_reconcile_time_seconds_count{${JOBSET}}`)).toBeGreaterThan(3);
    expect(after.get(`controller_runtime_reconcile_errors_total{${JOBSET}}`)).toBe(0);
    expect(grown(`workqueue_adds_total{name="jobset",${JOBSET}}`)).toBeGreaterThan(3);
    expect(grown(`workqueue_work_duration_seconds_count{name="jobset",${JOBSET}}`)).toBeGreaterThan(3);
    expect(after.get(`workqueue_depth{name="jobset",${JOBSET},priority="0"}`)).toBe(0);
    expect(grown(`controller_runtime_webhook_requests_total{${VALIDATE},code="200"}`)).toBe(1);
    expect(grown(`controller_runtime_webhook_latency_seconds_count{${VALIDATE}}`)).toBe(1);
    const { host } = new URL(cluster.environment.description.url);
    expect(grown(`rest_client_requests_total{code="201",method="POST",host="${host}"}`)).toBeGreaterThan(1);
    expect(grown(`rest_client_requests_total{code="200",method="PATCH",host="${host}"}`)).toBeGreaterThan(1);
    expect(after.get(LEADER)).toBe(1);
    const other = await read(cluster, standby, reader);
    expect(other.get(LEADER)).toBe(0);
    expect(other.get(`controller_runtime_reconcile_total{${JOBSET},result="success"}`)).toBe(0);
    await refuses(standby, stranger);
    await isAccepted(leader, reader);
    expect(await leader.controller.terminate()).toBe(0);
    await cluster.eventually(
      "the standby to lead",
      async () => (await read(cluster, standby, reader)).get(LEADER) === 1,
    );
  };
  try {
    await whileReader(cluster, "reader", observe);
  } finally {
    for (const { controller } of replicas) await controller.dispose();
  }
});

async function refuses({ metricsPort }: Replica, stranger: string): Promise<void> {
  expect((await scrape(metricsPort)).status).toBe(401);
  expect((await scrape(metricsPort, "nobody's")).status).toBe(401);
  expect((await scrape(metricsPort, stranger)).status).toBe(403);
}

async function isAccepted({ metricsPort }: Replica, token: string): Promise<void> {
  const promtool = await findPromtool();
  if ("reason" in promtool) return console.log(`promtool was not asked: ${promtool.reason}`);
  const { text } = await scrape(metricsPort, token);
  expect(await checkMetrics(promtool.path, text)).toEqual({ code: 0, output: "" });
}
