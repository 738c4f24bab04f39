/** Jobs that follow the size of their template (spec 3.2, step 9; gate ElasticJobSet), by the real Job controller. */
import { expect } from "bun:test";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { FaultRule } from "../../scripts/fault_proxy.ts";
import { behindProxy } from "./behind_proxy.ts";
import { annotationsOf, type Cluster, countersOf, isDeleting, restartsOf, uidOf } from "./cluster.ts";
import { byHand, group, type GroupOptions, jobSet } from "./job_sets.ts";
import { soloSuite } from "./suite.ts";
import { gateFlags, installedWithGates, withGates } from "./with_gates.ts";

const e2e = soloSuite();

function workers(size: number, options: GroupOptions = {}): JsonObject {
  return group("workers", { replicas: 2, parallelism: size, ...options });
}

/** The stored replicatedJobs, each with this size. */
async function withSizes(cluster: Cluster, sizes: readonly number[]): Promise<readonly JsonObject[]> {
  const stored = asArray(at(await cluster.jobSet("js"), "spec", "replicatedJobs"));
  return stored.map((entry, index) => {
    const template = asObject(at(entry, "template"));
    const size = { parallelism: sizes[index], completions: sizes[index] };
    return { ...asObject(entry), template: { ...template, spec: { ...asObject(template?.["spec"]), ...size } } };
  });
}

async function resize(cluster: Cluster, sizes: readonly number[], spec: JsonObject = {}): Promise<void> {
  await cluster.patch("jobsets", "js", { spec: { ...spec, replicatedJobs: await withSizes(cluster, sizes) } });
}

/** Each Job's parallelism and completions, once all Jobs have these. */
async function sized(cluster: Cluster, ...sizes: readonly number[]): Promise<void> {
  await cluster.eventually(`Jobs of ${sizes.join()} Pods`, async () => {
    const found = (await cluster.jobs("js")).map((
      job,
    ) => [at(job, "spec", "parallelism"), at(job, "spec", "completions")]);
    return JSON.stringify(found) === JSON.stringify(sizes.map((size) => [size, size]));
  });
}

/** Resolves once the Pods that run have these completion indexes in each of the workers' Jobs, and these others beside them. */
async function running(cluster: Cluster, indexes: readonly number[], others: readonly number[] = []): Promise<void> {
  await cluster.eventually(`Pods ${indexes.join()} of each Job`, async () => {
    const pods = (await cluster.pods("js")).filter((pod) =>
      !isDeleting(pod) && at(pod, "status", "phase") === "Running"
    );
    const seen = pods.map((pod) => Number(annotationsOf(pod)["batch.kubernetes.io/job-completion-index"]));
    const wanted = [...indexes, ...indexes, ...others];
    return JSON.stringify(seen.toSorted((a, b) => a - b)) === JSON.stringify(wanted.toSorted((a, b) => a - b));
  });
}

e2e.test("up and down while it runs, webhooks and all: Pods come and go, no Job is made anew", async (cluster) => {
  await installedWithGates(cluster, ["ElasticJobSet"], async (own) => {
    await own.create("jobsets", jobSet("js", [workers(2), group("driver")]));
    const before = await own.jobCount("js", 3);
    await own.eventually("all to be ready", async () => countersOf(await own.jobSet("js"), "workers")["ready"] === 2);
    await resize(own, [4, 1]);
    await sized(own, 1, 4, 4);
    await running(own, [0, 1, 2, 3], [0]);
    await resize(own, [1, 1]);
    await sized(own, 1, 1, 1);
    await running(own, [0], [0]);
    expect((await own.jobs("js")).map(uidOf)).toEqual(before.map(uidOf));
    const stored = await own.eventually("the counters", async () => {
      const found = await own.jobSet("js");
      return countersOf(found, "workers")["ready"] === 2 ? found : undefined;
    });
    expect(restartsOf(stored)).toBe(0);
  });
});

e2e.test("once it is finished another size is refused (R74)", async (cluster) => {
  await installedWithGates(cluster, ["ElasticJobSet"], async (own) => {
    await own.create("jobsets", jobSet("js", [workers(2, { fate: { "succeed-after": "100ms" } })]));
    await own.terminal("js", "Completed");
    const patch = { spec: { replicatedJobs: await withSizes(own, [3]) } };
    const { code, body } = await own.api.request(
      "PATCH",
      own.path("jobsets", "js"),
      patch,
      "application/merge-patch+json",
    );
    expect(code).toBe(422);
    expect(asString(body["message"])).toContain(
      "spec.replicatedJobs[0].template.spec: Forbidden: " +
        "Cannot mutate parallelism or completions when JobSet is in a terminal state (Completed or Failed)",
    );
    await sized(own, 2, 2);
  });
});

e2e.testWithoutWebhooks("gate off: nobody follows; once it is on all do", async (cluster) => {
  await withGates(cluster, [], async () => {
    await cluster.create("jobsets", jobSet("js", [byHand("workers", { replicas: 3, parallelism: 2 })]));
    await sized(cluster, 2, 2, 2);
    await resize(cluster, [5]);
    // It has seen the change once it does what the same update asks for.
    await cluster.delete("jobs", "js-workers-1");
    await sized(cluster, 2, 5, 2);
  });
  await withGates(cluster, ["ElasticJobSet"], () => sized(cluster, 5, 5, 5));
});

const isScale = (method: string, path: string) => method === "PATCH" && /\/jobs\/js-workers-\d+$/.test(path);

/** Holds for all but the first three requests. */
function fromTheFourth(match: FaultRule["match"]): FaultRule["match"] {
  let seen = 0;
  return (...request) => match(...request) && ++seen > 3;
}

e2e.testWithoutWebhooks("kill -9 amid the patches: all Jobs get there (R74)", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    await controller.start();
    await cluster.create("jobsets", jobSet("js", [byHand("workers", { replicas: 8, parallelism: 2 })]));
    await sized(cluster, ...Array<number>(8).fill(2));
    const held = [{ silence: true }, { silenceAfterBytes: 0 }];
    for (const [index, how] of held.entries()) {
      const size = 3 + index;
      const rule = proxy.rule({ match: fromTheFourth(isScale), ...how });
      await resize(cluster, [size]);
      await waitFor("patches to hang", {
        timeoutMs: 20_000,
        check: () => rule.hits > 0,
        describe: () => controller.logTail(),
      });
      await controller.kill();
      rule.remove();
      await controller.start();
      await sized(cluster, ...Array<number>(8).fill(size));
    }
    const stored = await cluster.jobSet("js");
    expect(restartsOf(stored)).toBe(0);
  }, gateFlags(["ElasticJobSet"]));
});

e2e.testWithoutWebhooks(
  "suspended, scaled down and resumed in one update: never more Pods than the new size",
  async (cluster) => {
    await withGates(cluster, ["ElasticJobSet"], async () => {
      await cluster.create("jobsets", jobSet("js", [workers(4)]));
      await running(cluster, [0, 1, 2, 3]);
      await cluster.patch("jobsets", "js", { spec: { suspend: true } });
      await cluster.condition("js", "Suspended");
      await cluster.eventually("no Pods", async () => (await cluster.pods("js")).length === 0);
      const pods = await cluster.record("pods");
      await resize(cluster, [2], { suspend: false });
      await running(cluster, [0, 1]);
      await cluster.condition("js", "Suspended", "False");
      await pods.stop();
      expect(pods.frames.filter(({ type }) => type === "ADDED")).toHaveLength(4);
    });
  },
);

e2e.testWithoutWebhooks("a size that the API server refuses is told, and holds nobody else up", async (cluster) => {
  await withGates(cluster, ["ElasticJobSet"], async () => {
    // Only Indexed Jobs can change their completions; the webhook would have said so.
    const fixed = byHand("fixed", { parallelism: 2, job: { completionMode: "NonIndexed" } });
    await cluster.create("jobsets", jobSet("js", [fixed, byHand("workers", { parallelism: 2 })]));
    await sized(cluster, 2, 2);
    await resize(cluster, [3, 3]);
    await sized(cluster, 2, 3);
    const { type, note } = await cluster.event("js", "ElasticScaleFailed");
    expect(type).toBe("Warning");
    expect(note).toStartWith('job "js-fixed-0" could not be scaled to 3: ');
    expect(note).toContain("field is immutable");
  });
});
