/** An API server without streaming lists, as some are configured: what an installation knows it then has from pages. */
import { expect } from "bun:test";
import { asString, at } from "../../src/base/json.ts";
import { behindProxy, errorLines } from "./behind_proxy.ts";
import { configFile } from "./installation.ts";
import { group, jobSet } from "./job_sets.ts";
import { EXCLUSIVE_TOPOLOGY } from "./placement_zones.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const SECRET = "/api/v1/namespaces/jobset-system/secrets/jobset-webhook-server-cert";
const LISTED = [
  "jobs",
  "jobsets",
  "leases",
  "mutatingwebhookconfigurations",
  "nodes",
  "pods",
  "priorityclasses",
  "secrets",
  "services",
  "validatingwebhookconfigurations",
];

e2e.test("a server that streams no list: caches, those of Pods too, lease and certificates start from pages; a deleted Secret comes back", async (cluster) => {
  const { environment, api } = cluster;
  const ca = async () => asString(at((await api.request("GET", SECRET)).body, "data", "ca.crt"));
  const before = await ca();
  // PriorityClasses are for those who see all of the cluster.
  const flags = [`--config=${await configFile(environment)}`, "--namespace="];
  await behindProxy(cluster, async ({ proxy, controller }) => {
    const refused = proxy.rule({
      match: (_method, _path, query) => query.has("sendInitialEvents"),
      answer: {
        code: 422,
        body: {
          kind: "Status",
          apiVersion: "v1",
          status: "Failure",
          reason: "Invalid",
          code: 422,
          message: "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList " +
            "feature gate is enabled",
        },
      },
    });
    await controller.start();
    const jobMetadata = { annotations: { [EXCLUSIVE_TOPOLOGY]: "kubernetes.io/hostname" } };
    await cluster.create("jobsets", jobSet("js", [group("a", { fate: { "succeed-after": "0s" }, jobMetadata })]));
    await cluster.terminal("js", "Completed");
    const isList = ({ method, query }: typeof proxy.seen[number]) => method === "GET" && query.has("limit");
    const lists = proxy.seen.filter(isList).map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
    expect([...new Set(lists)].toSorted()).toEqual(LISTED);
    expect(refused.hits).toBeGreaterThanOrEqual(LISTED.length);
    await api.delete(SECRET);
    await cluster.eventually("the Secret to be back", async () => await ca() === before, 10_000);
    expect(errorLines(controller)).toEqual([]);
    // Not killed: the next leader would wait until the lease runs out.
    expect(await controller.terminate()).toBe(0);
  }, flags);
});
