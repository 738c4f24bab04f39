/** Suspended and resumed while the controller is killed between its writes: the count stays exact (spec 3.12). */
import { expect } from "bun:test";
import { asInteger, at, type JsonObject } from "../../src/base/json.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { FaultProxy, FaultRule } from "../../scripts/fault_proxy.ts";
import { behindProxy } from "./behind_proxy.ts";
import { annotationsOf, type Cluster, type Recording, uidOf } from "./cluster.ts";
import type { Controller } from "./controller.ts";
import { group, jobSet } from "./job_sets.ts";
import { below, seeded } from "./seeded.ts";
import { soloSuite } from "./suite.ts";
import { gateFlags } from "./with_gates.ts";

const e2e = soloSuite();
const ANNOTATION = "jobset.sigs.k8s.io/execution-attempt";
const FLAGS = gateFlags(["ExecutionAttemptsTracking"]);
const JOBS = 4;
const ROUNDS = 5;

/** A JobSet that is suspended and resumed again and again, with a record of every Pod that it ever had. */
class ResumedJobSet {
  readonly #cluster: Cluster;
  readonly #pods: Recording;
  run = 0;

  private constructor(cluster: Cluster, pods: Recording) {
    this.#cluster = cluster;
    this.#pods = pods;
  }

  static async create(cluster: Cluster): Promise<ResumedJobSet> {
    const pods = await cluster.record("pods");
    await cluster.create("jobsets", jobSet("js", [group("a", { replicas: JOBS })]));
    const resumed = new ResumedJobSet(cluster, pods);
    await resumed.running();
    return resumed;
  }

  async suspend(): Promise<void> {
    await this.#cluster.patch("jobsets", "js", { spec: { suspend: true } });
  }

  async suspended(): Promise<void> {
    await this.#cluster.condition("js", "Suspended");
    await this.#cluster.eventually("no Pod", async () => (await this.#cluster.pods("js")).length === 0);
  }

  async resume(): Promise<void> {
    this.run += 1;
    await this.#cluster.patch("jobsets", "js", { spec: { suspend: false } });
  }

  /** All Pods run, all with the number of this run, which the status has too. */
  async running(): Promise<void> {
    await this.#cluster.eventually(`${JOBS} running Pods of run ${this.run}`, async () => {
      const pods = await this.#cluster.pods("js");
      const isRight = (pod: JsonObject) =>
        at(pod, "status", "phase") === "Running" && annotationsOf(pod)[ANNOTATION] === String(this.run);
      return pods.length === JOBS && pods.every(isRight);
    });
    expect(asInteger(at(await this.#cluster.jobSet("js"), "status", "executionAttempts"))).toBe(this.run);
  }

  /** Over all runs: each had each of its Pods once. */
  async finish(): Promise<void> {
    await this.#pods.stop();
    const numbers = new Map(this.#pods.frames.map(({ object }) => [uidOf(object), annotationsOf(object)[ANNOTATION]]));
    const counts = Array.from({ length: this.run + 1 }, (_, run) => {
      return [...numbers.values()].filter((number) => number === String(run)).length;
    });
    expect(counts).toEqual(Array.from({ length: this.run + 1 }, () => JOBS));
    expect(numbers.size).toBe(JOBS * (this.run + 1));
  }
}

type Held = Pick<FaultRule, "match" | "silence" | "silenceAfterBytes">;

const isStatusWrite = (method: string, path: string) => method === "PATCH" && /\/jobsets\/js\/status$/.test(path);
const isJobPatch = (method: string, path: string) => method === "PATCH" && /\/jobs\/js-a-\d$/.test(path);
/** Holds for all but the first requests. */
const after = (count: number, match: FaultRule["match"]): FaultRule["match"] => {
  let seen = 0;
  return (...request) => match(...request) && ++seen > count;
};

/** Where it stands still; silence after no byte: it is done, but the controller never hears of it. */
const MOMENTS: readonly (readonly [string, "suspend" | "resume", () => Held])[] = [
  ["before the Jobs are suspended", "suspend", () => ({ match: isJobPatch, silence: true })],
  ["between their suspensions", "suspend", () => ({ match: after(2, isJobPatch), silence: true })],
  ["after suspensions that are unanswered", "suspend", () => ({ match: after(1, isJobPatch), silenceAfterBytes: 0 })],
  ["before the count is written", "resume", () => ({ match: isStatusWrite, silence: true })],
  ["after the count, unanswered", "resume", () => ({ match: isStatusWrite, silenceAfterBytes: 0 })],
  ["between the count and the first resume", "resume", () => ({ match: isJobPatch, silence: true })],
  ["between the resumes", "resume", () => ({ match: after(2, isJobPatch), silence: true })],
  ["after resumes that are unanswered", "resume", () => ({ match: after(1, isJobPatch), silenceAfterBytes: 0 })],
];

async function killAt(
  { moment, held, proxy, controller, order }: {
    readonly moment: string;
    readonly held: Held;
    readonly proxy: FaultProxy;
    readonly controller: Controller;
    readonly order: () => Promise<void>;
  },
): Promise<void> {
  const rule = proxy.rule(held);
  await order();
  await waitFor(moment, { timeoutMs: 20_000, check: () => rule.hits > 0, describe: () => controller.logTail() });
  await controller.kill();
  rule.remove();
}

e2e.test("kill -9 before, between and after the writes of each suspension and resume", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    await controller.start();
    const resumed = await ResumedJobSet.create(cluster);
    for (const [moment, during, held] of MOMENTS) {
      const kill = (order: () => Promise<void>) => killAt({ moment, held: held(), proxy, controller, order });
      await (during === "suspend" ? kill(() => resumed.suspend()) : resumed.suspend());
      if (during === "suspend") await controller.start();
      await resumed.suspended();
      await (during === "resume" ? kill(() => resumed.resume()) : resumed.resume());
      if (during === "resume") await controller.start();
      await resumed.running();
    }
    await resumed.finish();
  }, FLAGS);
}, 180_000);

e2e.test(
  `suspended and resumed ${ROUNDS} times, killed at a random moment of each and again as it goes on`,
  async (cluster) => {
    const random = seeded("execution attempts, killed at random");
    await behindProxy(cluster, async ({ controller }) => {
      await controller.start();
      const resumed = await ResumedJobSet.create(cluster);
      const killSoon = async () => {
        for (let kill = 0; kill < 2; kill++) {
          await new Promise((resolve) => setTimeout(resolve, below(random, 150)));
          await controller.kill();
          await controller.start();
        }
      };
      for (let round = 0; round < ROUNDS; round++) {
        await resumed.suspend();
        await killSoon();
        await resumed.suspended();
        await resumed.resume();
        await killSoon();
        await resumed.running();
      }
      await resumed.finish();
    }, FLAGS);
  },
  180_000,
);
