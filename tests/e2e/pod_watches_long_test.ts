/** When Pods and Nodes are watched (spec 4.3), and what the metrics say of it. */
import { expect } from "bun:test";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { asString, at } from "../../src/base/json.ts";
import type { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { configFile } from "./installation.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { JobByHand } from "./placement_pods.ts";
import { withZones } from "./placement_zones.ts";
import { login, scrape, series, whileReader } from "./scrape.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const PODS = 'resource="pods"';
const SUCCESSES = 'controller_runtime_reconcile_total{controller="pod",result="success"}';
const LINGER_MS = 90_000;

/** The requests for Pods that the controller sent since then, as `verb selector`. */
function podRequests({ environment, namespace }: Cluster, position: number): readonly string[] {
  return environment.auditSince(position, namespace)
    .filter((entry) => at(entry, "objectRef", "resource") === "pods")
    .map((entry) => {
      const query = new URLSearchParams((asString(entry["requestURI"]) ?? "").split("?")[1] ?? "");
      return `${entry["verb"]} ${query.get("labelSelector") ?? ""}`;
    });
}

e2e.testWithoutWebhooks(
  "Pods and Nodes are watched from the first JobSet that needs them to a minute after the last",
  async (cluster) => {
    const { environment, namespace } = cluster;
    const [metricsPort = 0] = await findFreePorts(1);
    const config = await configFile(environment, { metrics: metricsPort });
    const flags = [`--config=${config}`, `--namespace=${namespace}`];
    const controller = new Controller(environment, await environment.controllerKubeconfig(), { flags });
    const token = await login(cluster, "reader");
    const read = async () => {
      const { status, text } = await cluster.eventually("metrics to be served", () => scrape(metricsPort, token));
      expect(status).toBe(200);
      return series(text);
    };
    const ofPods = async () => [...(await read()).keys()].filter((name) => name.includes(PODS)).length;
    const observe = () =>
      withZones(cluster, { zones: ["a", "b"], nodesPerZone: 1 }, async (zones) => {
        const position = environment.auditPosition();
        await controller.start();
        await cluster.create("jobsets", jobSet("plain", [byHand("w")]));
        await cluster.jobCount("plain", 1);
        expect(podRequests(cluster, position)).toEqual([]);
        expect([await ofPods(), (await read()).get(SUCCESSES)]).toEqual([0, 0]);

        const job = await JobByHand.create(zones, "placed");
        await job.create({ name: "lead", index: 0, node: zones.node("a", 0) });
        await job.create({ name: "wrong", index: 1, pin: "b" });
        await cluster.eventually("the wrong follower to be gone", async () =>
          (await cluster.find("pods", "wrong")) === undefined);
        expect(podRequests(cluster, position)).toContain("watch jobset.sigs.k8s.io/jobset-name");
        expect((await read()).get(SUCCESSES)).toBeGreaterThan(0);
        expect(await ofPods()).toBe(3);

        await cluster.delete("jobsets", "placed");
        await cluster.eventually("the watches to end", () => {
          return Promise.resolve(controller.logLines("watch ended").length >= 2);
        }, LINGER_MS);
        expect(await ofPods()).toBe(0);
        const later = environment.auditPosition();
        await cluster.create("jobsets", jobSet("another", [byHand("w")]));
        await cluster.jobCount("another", 1);
        expect(
          podRequests(cluster, later).filter((request) =>
            request.startsWith("list")
          ),
        ).toEqual([]);
      });
    try {
      await whileReader(cluster, "reader", observe);
    } finally {
      await controller.dispose();
    }
  },
  180_000,
);
