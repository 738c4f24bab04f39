/** The label that spares Pods a call of the webhook is there before any webhook could set it (spec 4.1). */
import { expect } from "bun:test";
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Cluster, labelsOf } from "./cluster.ts";
import { group, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();

const LABEL = "jobset.sigs.k8s.io/priority";
const CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses";

async function onlyPod(cluster: Cluster, name: string): Promise<JsonObject> {
  return await cluster.eventually(`the Pod of ${name}`, async () => (await cluster.pods(name))[0]);
}

e2e.testWithoutWebhooks(
  "Pods carry the priority that the API server gives them, a negative one too (R48)",
  async (cluster) => {
    const low = `low-${cluster.namespace}`;
    await cluster.api.create(CLASSES, { metadata: { name: low }, value: -1 });
    try {
      const classes = { low, none: undefined, system: "system-node-critical" };
      for (const [name, priorityClassName] of Object.entries(classes)) {
        const pod = priorityClassName === undefined ? {} : { priorityClassName };
        // The class may be newer than what the controller has seen of them: then the label is the webhook's business.
        await cluster.eventually(`${name} to be labelled`, async () => {
          await cluster.api.request("DELETE", cluster.path("jobsets", name), { propagationPolicy: "Foreground" });
          if (await cluster.find("jobsets", name) !== undefined) return false;
          await cluster.create("jobsets", jobSet(name, [group("w", { pod })]));
          const found = await onlyPod(cluster, name);
          const priority = at(found, "spec", "priority");
          const expected = typeof priority === "number" && priority < 0 ? `n${-priority}` : String(priority);
          return labelsOf(found)[LABEL] === expected && expected !== "undefined";
        });
        const [job] = await cluster.jobs(name);
        expect(labelsOf(job)[LABEL]).toBeUndefined();
      }
      expect(labelsOf(await onlyPod(cluster, "low"))[LABEL]).toBe("n1");
    } finally {
      await cluster.api.request("DELETE", `${CLASSES}/${low}`);
    }
  },
);

e2e.testWithoutWebhooks("Pods whose nodes are selected by hand have none", async (cluster) => {
  const annotations = {
    "alpha.jobset.sigs.k8s.io/exclusive-topology": "rack",
    "alpha.jobset.sigs.k8s.io/node-selector": "true",
  };
  const body = jobSet("js", [group("w")]);
  await cluster.create("jobsets", { ...body, metadata: { name: "js", annotations } });
  const pod = await onlyPod(cluster, "js");
  expect(labelsOf(pod)[LABEL]).toBeUndefined();
  expect(asString(at(pod, "spec", "nodeSelector", "alpha.jobset.sigs.k8s.io/namespaced-job"))).toBe(
    `${cluster.namespace}_js-w-0`,
  );
});
