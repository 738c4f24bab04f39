/** A stage on which JobSets run while everything is recorded. */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { readConditions, trueCondition } from "../../src/api/conditions.ts";
import { ApiFailure } from "../control_plane/api.ts";
import { waitFor } from "../control_plane/wait.ts";
import type { Stage } from "../demo/stage.ts";
import { FATE_PREFIX } from "../kubelet/fate.ts";
import { type Frame, Recorder } from "./recorder.ts";

const JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets";
const PODS = "/api/v1/namespaces/default/pods";
const TIMEOUT_MS = 60_000;

export class Scene {
  readonly stage: Stage;
  readonly #recorder: Recorder;

  private constructor(stage: Stage, recorder: Recorder) {
    this.stage = stage;
    this.#recorder = recorder;
  }

  /** Records from now on. */
  static async open(stage: Stage): Promise<Scene> {
    const recorder = new Recorder(stage.controlPlane.api);
    await recorder.start();
    return new Scene(stage, recorder);
  }

  get api(): Stage["controlPlane"]["api"] {
    return this.stage.controlPlane.api;
  }

  /** Since the scene was opened: the times of the frames. */
  get nowMs(): number {
    return this.#recorder.elapsedMs;
  }

  get frames(): readonly Frame[] {
    return this.#recorder.frames;
  }

  /** The webhooks answer a moment after the controller is ready: the API server has to hear of their CA. */
  async create(jobSet: JsonObject): Promise<void> {
    await waitFor("the JobSet to be created", {
      timeoutMs: TIMEOUT_MS,
      check: async () => {
        const answer = await this.api.request("POST", `${JOBSETS}?fieldValidation=Strict`, jobSet);
        if (answer.code === 201) return true;
        if (answer.code < 500) throw new ApiFailure("create the JobSet", answer);
        return false;
      },
    });
  }

  /** The Pods of a JobSet that are not being deleted. */
  async pods(jobSet: string): Promise<readonly JsonObject[]> {
    const found = await this.api.list(`${PODS}?labelSelector=jobset.sigs.k8s.io/jobset-name%3D${jobSet}`);
    return found.filter((pod) => at(pod, "metadata", "deletionTimestamp") === undefined);
  }

  /** Until so many Pods are ready. */
  async ready(jobSet: string, count: number): Promise<void> {
    await waitFor(`${count} Pods of ${jobSet} to be ready`, {
      timeoutMs: TIMEOUT_MS,
      check: async () => (await this.pods(jobSet)).filter(isReady).length === count,
      describe: async () => JSON.stringify((await this.pods(jobSet)).map((pod) => [nameOf(pod), pod["status"]])),
    });
  }

  /** Until a JobSet has ended, Completed or Failed. */
  async ended(jobSet: string): Promise<void> {
    await waitFor(`${jobSet} to end`, {
      timeoutMs: TIMEOUT_MS,
      check: async () =>
        asString(at(await this.api.get(`${JOBSETS}/${jobSet}`), "status", "terminalState")) !== undefined,
    });
  }

  async jobSet(name: string): Promise<JsonObject> {
    return await this.api.get(`${JOBSETS}/${name}`);
  }

  /** The Pod with this index of a Job. */
  async pod(job: string, index: number): Promise<string> {
    const selector = `batch.kubernetes.io/job-name=${job},batch.kubernetes.io/job-completion-index=${index}`;
    const found = await this.api.list(`${PODS}?labelSelector=${encodeURIComponent(selector)}`);
    const pod = found.find((entry) => at(entry, "metadata", "deletionTimestamp") === undefined);
    return nameOf(pod);
  }

  /** Ends a played container of a Pod with this exit code, now. */
  async fail(job: string, index: number, exitCode: number): Promise<void> {
    const annotations = { [`${FATE_PREFIX}fail-after`]: "0s", [`${FATE_PREFIX}exit-code`]: String(exitCode) };
    await this.api.patch(`${PODS}/${await this.pod(job, index)}`, { metadata: { annotations } });
  }

  /** Ends the first container of a Pod with exit code 1, but not the one that is started in its place. */
  async failOnce(job: string, index: number): Promise<void> {
    const path = `${PODS}/${await this.pod(job, index)}`;
    const key = `${FATE_PREFIX}fail-after`;
    await this.api.patch(path, { metadata: { annotations: { [key]: "0s" } } });
    await waitFor("the failure to be seen", {
      timeoutMs: TIMEOUT_MS,
      everyMs: 5,
      check: async () => {
        const { code, body } = await this.api.request("GET", path);
        return code === 404 || !isReady(body);
      },
    });
    await this.api.request(
      "PATCH",
      path,
      { metadata: { annotations: { [key]: null } } },
      "application/merge-patch+json",
    );
  }

  async evict(job: string, index: number): Promise<void> {
    const name = await this.pod(job, index);
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: "default" } };
    await this.api.create(`${PODS}/${name}/eviction`, eviction);
  }

  async delete(job: string, index: number): Promise<void> {
    await this.api.delete(`${PODS}/${await this.pod(job, index)}`, { gracePeriodSeconds: 1 });
  }

  async remove(jobSet: string): Promise<void> {
    await this.api.delete(`${JOBSETS}/${jobSet}`, { propagationPolicy: "Background" });
    await waitFor("the Pods to be gone", {
      timeoutMs: TIMEOUT_MS,
      check: async () => (await this.api.list(PODS)).length === 0,
    });
  }

  /** Lets it run, so that there is something to see. */
  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Ends the record and removes the JobSets. */
  async close(): Promise<void> {
    await this.#recorder.stop();
    await this.api.delete(JOBSETS, { propagationPolicy: "Background" });
    await waitFor("the Pods to be gone", {
      timeoutMs: TIMEOUT_MS,
      check: async () => (await this.api.list(PODS)).length === 0,
    });
  }
}

function nameOf(object: unknown): string {
  return asString(at(object, "metadata", "name")) ?? "";
}

function isReady(pod: JsonObject): boolean {
  return trueCondition(readConditions(at(pod, "status", "conditions")), "Ready") !== undefined;
}
