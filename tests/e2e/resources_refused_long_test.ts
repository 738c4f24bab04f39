/** An API server whose own gate is off takes no new resources of a suspended Job (spec 3.8). */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { asArray, at } from "../../src/base/json.ts";
import { Cluster, type SeenEvent } from "./cluster.ts";
import { type Environment, startEnvironment } from "./environment.ts";
import { WEBHOOKS_OFF } from "./installation.ts";
import { group, jobSet } from "./job_sets.ts";
import { withGates } from "./with_gates.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const NOTE =
  /^Failed to propagate mutated resources to child Job: Job\.batch "js-a-\d" is invalid: spec\.template: .* … .*field is immutable\. Ensure MutablePodResourcesForSuspendedJobs is enabled on the API server\.$/s;

let environment: Environment;

beforeAll(async () => {
  environment = await startEnvironment({ featureGates: { MutablePodResourcesForSuspendedJobs: false } });
}, SETUP_TIMEOUT_MS);

afterAll(async () => await environment.stop(), SETUP_TIMEOUT_MS);

function asking(cpu: string, zone: string) {
  return group("a", { replicas: 3, container: { resources: { requests: { cpu } } }, pod: { nodeSelector: { zone } } });
}

test("the Jobs stay suspended and one event says what to enable; with the old resources they are resumed", async () => {
  const cluster = await Cluster.create(environment, WEBHOOKS_OFF);
  await withGates(cluster, ["MutablePodResourcesForSuspendedJobSets"], async () => {
    await cluster.create("jobsets", jobSet("js", [asking("10m", "x")], { suspend: true }));
    await cluster.jobCount("js", 3);
    await cluster.condition("js", "Suspended");
    await cluster.patch("jobsets", "js", { spec: { suspend: false, replicatedJobs: [asking("20m", "y")] } });
    const events = await cluster.eventually("a series of refusals", async () => {
      const found = (await cluster.events("js")).filter(({ reason }) => reason === "FailedResourcePropagation");
      return found.some(({ count }) => count > 2) ? found : undefined;
    });
    expect(events.map(({ type }: SeenEvent) => type)).toEqual(["Warning"]);
    expect(events[0]?.note).toMatch(NOTE);
    expect((await cluster.jobs("js")).every((job) => at(job, "spec", "suspend") === true)).toBe(true);
    await cluster.patch("jobsets", "js", { spec: { replicatedJobs: [asking("10m", "y")] } });
    await cluster.eventually("all to be resumed with the new selector and the old resources", async () => {
      const specs = (await cluster.jobs("js")).map((job) => job["spec"]);
      return specs.every((spec) => {
        const [container] = asArray(at(spec, "template", "spec", "containers"));
        return at(spec, "suspend") === false && at(spec, "template", "spec", "nodeSelector", "zone") === "y" &&
          at(container, "resources", "requests", "cpu") === "10m";
      });
    }, 90_000);
  });
}, 180_000);
