/** Gate RestartJob on, off, on again; killed midway; and with the webhooks that know it (spec 3.3, 2.2). */
import { expect } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { FaultRule } from "../../scripts/fault_proxy.ts";
import { behindProxy } from "./behind_proxy.ts";
import { attemptOf, type Cluster, countersOf, isDeleting, labelsOf, restartsOf } from "./cluster.ts";
import { JobRecord } from "./job_record.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { fail } from "./job_status.ts";
import { soloSuite } from "./suite.ts";
import { gateFlags, installedWithGates, withGates } from "./with_gates.ts";

const e2e = soloSuite();

const ATTEMPT = "jobset.sigs.k8s.io/job-restart-attempt";
const JOBS = 4;

function oneByOne(maxRestarts: number, extra: JsonObject = {}): JsonObject {
  const rules = [{ name: "workers", action: "RestartJob", targetReplicatedJobs: ["workers"] }];
  return jobSet("js", [byHand("driver"), byHand("workers", { replicas: JOBS - 1 })], {
    failurePolicy: { maxRestarts, rules, ...extra },
  });
}

async function ofAttempt(cluster: Cluster, name: string, attempt: string | undefined): Promise<JsonObject> {
  return await cluster.eventually(`${name} of job-restart-attempt ${attempt}`, async () => {
    const job = await cluster.find("jobs", name);
    return job !== undefined && !isDeleting(job) && labelsOf(job)[ATTEMPT] === attempt ? job : undefined;
  });
}

async function lists(cluster: Cluster): Promise<JsonObject> {
  const { jobRestarts, jobRestartsCountTowardsMax } = countersOf(await cluster.jobSet("js"), "workers");
  return { jobRestarts, jobRestartsCountTowardsMax };
}

/** While nobody looks: it can't be changed, only taken away and given anew. */
async function replacePolicy(cluster: Cluster, failurePolicy: JsonObject): Promise<void> {
  for (const policy of [null, failurePolicy]) await cluster.patch("jobsets", "js", { spec: { failurePolicy: policy } });
}

e2e.testWithoutWebhooks(
  "gate off: what was counted is kept and means nothing; the action is an error",
  async (cluster) => {
    const counted = { jobRestarts: [0, 1, 0], jobRestartsCountTowardsMax: [0, 1, 0] };
    await withGates(cluster, ["RestartJob"], async () => {
      await cluster.create("jobsets", oneByOne(2));
      await cluster.jobCount("js", JOBS);
      await fail(cluster, "js-workers-1");
      await ofAttempt(cluster, "js-workers-1", "1");
    });
    await withGates(cluster, [], async () => {
      await fail(cluster, "js-workers-0");
      const refused = await cluster.event("js", "FailurePolicyActionRefused");
      expect(refused.note).toBe(
        'failure policy rule "workers" asks for action RestartJob, but feature gate RestartJob is disabled ' +
          "(first failed job: js-workers-0)",
      );
      expect(await lists(cluster)).toEqual(counted);
    });
    // One restart of all, which the one that was counted does not stand in the way of.
    await replacePolicy(cluster, { maxRestarts: 1 });
    await withGates(cluster, [], async () => {
      await cluster.jobCount("js", JOBS, 1);
      expect(restartsOf(await cluster.jobSet("js"))).toBe(1);
      for (const job of await cluster.jobs("js")) expect(labelsOf(job)[ATTEMPT]).toBeUndefined();
      expect(await lists(cluster)).toEqual(counted);
    });
    // On again: the running Jobs without the label are current.
    await replacePolicy(cluster, { maxRestarts: 9, rules: [{ name: "workers", action: "RestartJob" }] });
    await withGates(cluster, ["RestartJob"], async (controller) => {
      await fail(cluster, "js-workers-1");
      await ofAttempt(cluster, "js-workers-1", "2");
      expect(await lists(cluster)).toEqual({ jobRestarts: [0, 2, 0], jobRestartsCountTowardsMax: [0, 2, 0] });
      expect(attemptOf(await ofAttempt(cluster, "js-workers-0", undefined))).toBe(1);
      expect(controller.logLines("jobs without a job-restart-attempt label")).toHaveLength(1);
    });
  },
);

type Held = Pick<FaultRule, "match" | "silence" | "silenceAfterBytes">;

const isStatusWrite = (method: string, path: string) => method === "PATCH" && /\/jobsets\/js\/status$/.test(path);
const isDelete = (method: string, path: string) => method === "DELETE" && path.includes("/jobs/");
const isCreate = (method: string, path: string) => method === "POST" && path.endsWith("/jobs");

/** Where the restart stands still; silence after no byte: it is done, but the controller never hears of it. */
const moments: readonly (readonly [string, () => Held])[] = [
  ["before the status write", () => ({ match: isStatusWrite, silence: true })],
  ["after the status write, unanswered", () => ({ match: isStatusWrite, silenceAfterBytes: 0 })],
  ["before the delete", () => ({ match: isDelete, silence: true })],
  ["after the delete, unanswered", () => ({ match: isDelete, silenceAfterBytes: 0 })],
  ["before the create", () => ({ match: isCreate, silence: true })],
  ["after the create, unanswered", () => ({ match: isCreate, silenceAfterBytes: 0 })],
];

e2e.testWithoutWebhooks(
  "kill -9 before and after each request of one Job's restart: counted once, made once (R84, R67)",
  async (cluster) => {
    await behindProxy(cluster, async ({ proxy, controller }) => {
      await controller.start();
      const record = await JobRecord.start(cluster);
      await cluster.create("jobsets", oneByOne(100));
      await cluster.jobCount("js", JOBS);
      for (const [index, [moment, held]] of moments.entries()) {
        const rule = proxy.rule(held());
        await fail(cluster, "js-workers-2");
        await waitFor(moment, { timeoutMs: 20_000, check: () => rule.hits > 0, describe: () => controller.logTail() });
        await controller.kill();
        rule.remove();
        await controller.start();
        await ofAttempt(cluster, "js-workers-2", String(index + 1));
        expect(await lists(cluster)).toEqual({
          jobRestarts: [0, 0, index + 1],
          jobRestartsCountTowardsMax: [0, 0, index + 1],
        });
      }
      await cluster.jobCount("js", JOBS, 0);
      await record.stop();
      expect(record.all).toHaveLength(JOBS + moments.length);
    }, gateFlags(["RestartJob"]));
  },
);

e2e.test("the whole installation with the gate on: admitted, restarted, counted", async (cluster) => {
  await installedWithGates(cluster, ["RestartJob"], async (own) => {
    const failing = group("workers", { replicas: 2, fate: { "fail-after": "200ms", "fail-job-index": "1" } });
    const rules = [{ name: "one", action: "RestartJob" }];
    await own.create("jobsets", jobSet("js", [failing], { failurePolicy: { maxRestarts: 2, rules } }));
    const failed = await own.terminal("js", "Failed");
    expect(countersOf(failed, "workers")).toMatchObject({ jobRestarts: [0, 2], jobRestartsCountTowardsMax: [0, 2] });
    expect(at(failed, "status", "restarts")).toBe(0);
    const events = (await own.events("js")).filter(({ reason }) => reason === "RestartJobFailurePolicyAction");
    expect(events.map(({ count }) => count)).toEqual([2]);
  });
});
