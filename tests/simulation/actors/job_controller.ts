/**
 * The Job controller of the cluster, as far as a controller above it can tell: it hears of every write of Jobs and Pods, and a
 * little later brings the Job where it should be, one sync of a Job at a time. It also does the TTL controller's work for Jobs.
 */
import { asInteger, asObject, asString, type JsonObject } from "../../../src/base/json.ts";
import type { ActorWorld, Write } from "../types.ts";
import { chance, lag } from "./chance.ts";
import { deadlineMs, jobEnd } from "./job_end.ts";
import { jobPod } from "./job_pod.ts";
import { isActive, isTerminating, JobState, type PodFacts } from "./job_state.ts";
import { jobStatus } from "./job_status.ts";
import { KeyedTimer } from "./keyed_timer.ts";
import { conditionsOf, controllerUid, isDeleting, isFinishedJob, isTrue, specOf, statusOf, uidOf } from "./objects.ts";
import { tryTo } from "./try_to.ts";

const OWN_MANAGED_BY = "kubernetes.io/job-controller";
/** A failed Pod is replaced after this rest, which doubles with each failure; the real one begins with ten seconds. */
const FIRST_REST_MS = 500;
const MAX_REST_MS = 10_000;
/** How often FailureTarget and Failed come in one write, where no Pod is left. */
const ONE_WRITE = 0.1;
/** In how many runs it is one of Kubernetes 1.36 or later, which clears the start time of a suspended Job. */
const CLEARS_START_TIME = 0.7;

export class JobController {
  readonly #world: ActorWorld;
  readonly #clearsStartTime: boolean;
  readonly #states = new Map<string, JobState>();
  readonly #timer: KeyedTimer;
  readonly #rests: KeyedTimer;

  constructor(world: ActorWorld) {
    this.#world = world;
    this.#clearsStartTime = chance(world.random, CLEARS_START_TIME);
    this.#timer = new KeyedTimer(world, { label: "sync job", fire: (uid) => this.#sync(uid) });
    this.#rests = new KeyedTimer(world, { label: "job rested", fire: (uid) => this.#timer.wake(uid, 0) });
    world.server.onWrite((write) => {
      if (write.resource === "pods") this.#hearPod(write);
      else if (write.resource === "jobs") this.#hearJob(write);
    });
  }

  #hearPod(write: Write): void {
    const pod = write.after ?? write.before;
    const state = pod === undefined ? undefined : this.#states.get(controllerUid(pod));
    if (state?.hear(write, this.#world.now()) === true) this.#wake(state.uid);
  }

  #hearJob({ user, after, before }: Write): void {
    if (after === undefined) {
      if (before !== undefined) this.#states.delete(uidOf(before));
      return;
    }
    const uid = uidOf(after);
    if (!this.#states.has(uid)) {
      if ((asString(specOf(after)["managedBy"]) ?? OWN_MANAGED_BY) !== OWN_MANAGED_BY) return;
      this.#states.set(uid, new JobState(after));
    }
    if (isDeleting(after)) this.#states.get(uid)?.letGo();
    if (user !== "job-controller") this.#wake(uid);
  }

  #wake(uid: string): void {
    this.#timer.wake(uid, lag(this.#world.random));
  }

  #sync(uid: string): void {
    const state = this.#states.get(uid);
    const job = state === undefined ? undefined : this.#world.server.get("jobs", state.key);
    if (state === undefined || job === undefined || uidOf(job) !== uid || isFinishedJob(job)) return;
    const nowMs = this.#world.now();
    const end = jobEnd(job, state, nowMs);
    if (end !== undefined) this.#dismissAll(state, end.type === "SuccessCriteriaMet");
    else if (!isDeleting(job)) this.#scale(job, state, nowMs);
    const wasDeclared = end !== undefined && isTrue(conditionsOf(job), end.type);
    const saysFinal = wasDeclared || chance(this.#world.random, ONE_WRITE);
    const status = jobStatus(job, { state, end, saysFinal, clearsStartTime: this.#clearsStartTime, nowMs });
    if (status !== undefined) {
      this.#write({ ...job, status }, { isStart: statusOf(job)["startTime"] !== status["startTime"] });
    }
    if (end !== undefined && !saysFinal) this.#wake(uid);
  }

  #write(job: JsonObject, { isStart }: { readonly isStart: boolean }): void {
    if (tryTo(() => this.#world.server.update("job-controller", "jobs", job, "status")) === undefined) {
      this.#wake(uidOf(job));
    } else if (isFinishedJob(job)) this.#startTtl(job);
    else if (isStart) this.#startDeadline(job);
  }

  /** Makes Pods that are missing, deletes those that are too many. */
  #scale(job: JsonObject, state: JobState, nowMs: number): void {
    const spec = specOf(job);
    const active = [...state.pods].filter(isActive);
    if (spec["suspend"] === true) {
      for (const pod of active) this.#dismiss(pod);
      return;
    }
    const completions = asInteger(spec["completions"]);
    const want = wantedPods(state, { parallelism: asInteger(spec["parallelism"]) ?? 1, completions });
    const isIndexed = spec["completionMode"] === "Indexed" && completions !== undefined;
    const [kept, surplus] = divide(active, { want, limit: isIndexed ? completions : undefined });
    for (const pod of surplus) this.#dismiss(pod);
    const waiting = state.onlyReplacesFailed ? [...state.pods].filter(isTerminating) : [];
    const missing = want - kept.length - waiting.length;
    if (missing <= 0 || this.#mustRest(state, nowMs)) return;
    if (!isIndexed) {
      for (let count = 0; count < missing; count += 1) this.#create(job, undefined);
      return;
    }
    const taken = new Set([...kept, ...waiting].map(({ index }) => index));
    let created = 0;
    for (let index = 0; index < completions && created < missing; index += 1) {
      if (taken.has(index) || state.hasSucceeded(index)) continue;
      this.#create(job, index);
      created += 1;
    }
  }

  #mustRest(state: JobState, nowMs: number): boolean {
    if (state.failed === 0) return false;
    const restMs = Math.min(FIRST_REST_MS * 2 ** (state.failed - 1), MAX_REST_MS);
    const leftMs = state.lastFailureAtMs + restMs - nowMs;
    if (leftMs <= 0) return false;
    this.#rests.wake(state.uid, leftMs);
    return true;
  }

  #create(job: JsonObject, index: number | undefined): void {
    const { server, random } = this.#world;
    if (tryTo(() => server.create("job-controller", "pods", jobPod(job, index, random))) === undefined) {
      this.#wake(uidOf(job));
    }
  }

  #dismissAll(state: JobState, isSuccess: boolean): void {
    const active = [...state.pods].filter(isActive);
    for (const pod of active) this.#remove(pod, isSuccess);
  }

  #dismiss(pod: PodFacts): void {
    this.#remove(pod, true);
  }

  #remove(pod: PodFacts, isDismissed: boolean): void {
    pod.isDismissed = isDismissed;
    tryTo(() => this.#world.server.remove("job-controller", "pods", pod.key));
  }

  #startDeadline(job: JsonObject): void {
    const deadline = deadlineMs(job);
    if (deadline === undefined) return;
    const uid = uidOf(job);
    this.#world.after(Math.max(0, deadline - this.#world.now()), "job deadline", () => this.#wake(uid));
  }

  /** The TTL controller's work: what is finished is deleted some time later. */
  #startTtl(job: JsonObject): void {
    const seconds = asInteger(specOf(job)["ttlSecondsAfterFinished"]);
    if (seconds === undefined) return;
    const uid = uidOf(job);
    const key = {
      namespace: asString(asObject(job["metadata"])?.["namespace"]) ?? "",
      name: this.#states.get(uid)?.key.name ?? "",
    };
    this.#world.after(seconds * 1000 + lag(this.#world.random), "job ttl", () => {
      tryTo(() => this.#world.server.remove("job-controller", "jobs", key, { propagation: "Foreground", uid }));
    });
  }
}

function wantedPods(
  state: JobState,
  { parallelism, completions }: { readonly parallelism: number; readonly completions: number | undefined },
): number {
  const succeeded = state.succeeded(completions);
  if (completions !== undefined) return Math.max(0, Math.min(parallelism, completions - succeeded));
  // The first success is the end of a Job without completions: what runs may go on, nothing more starts.
  if (succeeded === 0) return parallelism;
  let active = 0;
  for (const pod of state.pods) if (isActive(pod)) active += 1;
  return Math.min(parallelism, active);
}

/** Those to keep and those to delete: an index beyond the completions first, then what is above the number. */
function divide(
  pods: readonly PodFacts[],
  { want, limit }: { readonly want: number; readonly limit: number | undefined },
): readonly [kept: readonly PodFacts[], surplus: readonly PodFacts[]] {
  const kept: PodFacts[] = [];
  const surplus: PodFacts[] = [];
  const indexes = new Set<number>();
  for (const pod of [...pods].sort((one, other) => one.index - other.index)) {
    const isTwin = limit !== undefined && indexes.has(pod.index);
    const isUnwanted = kept.length >= want || isTwin || limit !== undefined && pod.index >= limit;
    indexes.add(pod.index);
    (isUnwanted ? surplus : kept).push(pod);
  }
  return [kept, surplus];
}
