/** The users of the cluster, and its queue: they do what the scenario says, and take a refusal as it comes. */
import { JOBSET_NAME } from "../../../src/api/keys.ts";
import { asString, at, type JsonObject } from "../../../src/base/json.ts";
import type { ActorWorld, DeleteOptions, JobSetPlay, ObjectKey, Operation, Scenario, Write } from "../types.ts";
import { between, chance, pick } from "./chance.ts";
import { controllerUid, isDeleting, isFinishedJob, keyOf, metadataOf, specOf, uidOf } from "./objects.ts";
import { admittedTemplates, restoredTemplates, TOPOLOGY_GATE } from "./queue_edits.ts";
import { tryTo } from "./try_to.ts";

const MAX_TRIES = 6;
const CONFLICT = 409;
/** Whoever leaves Jobs behind on purpose clears them away by hand within this time. */
const MAX_ORPHAN_MS = 8_000;
const TIDY_PASSES = 4;

/** The manifest, and how often it is still tried. */
interface Creation {
  readonly object: JsonObject;
  readonly triesLeft: number;
}

export class Users {
  readonly #world: ActorWorld;
  readonly #scenario: Scenario;
  /** The newest manifest of each JobSet, by its name. */
  readonly #manifests = new Map<string, JsonObject>();
  /** What is created as soon as the JobSet of its name is gone. */
  readonly #waiting = new Map<string, JsonObject>();

  constructor(world: ActorWorld, scenario: Scenario) {
    this.#world = world;
    this.#scenario = scenario;
    world.server.onWrite((write) => {
      if (write.resource === "jobsets" && write.verb === "delete") this.#hearDelete(write);
      else if (write.resource === "pods" && write.verb === "create") this.#hearPod(write);
    });
  }

  start(): void {
    for (const play of this.#scenario.jobSets) this.#schedulePlay(play);
    for (const operation of this.#scenario.operations) {
      this.#world.after(operation.atMs, `${operation.by} ${operation.kind}`, () => this.#operate(operation));
    }
  }

  #schedulePlay({ atMs, object }: JobSetPlay): void {
    this.#manifests.set(keyOf(object).name, object);
    this.#world.after(atMs, "user create", () => this.#create({ object, triesLeft: MAX_TRIES }));
  }

  /** From the calm on nobody acts: what takes longer is left undone. */
  get #isOver(): boolean {
    return this.#world.elapsed() >= this.#scenario.calmAtMs;
  }

  #create({ object, triesLeft }: Creation): void {
    const { name } = keyOf(object);
    if (tryTo(() => this.#world.server.create("user", "jobsets", object)) !== undefined) {
      this.#manifests.set(name, object);
      return;
    }
    if (triesLeft <= 1) return;
    const delayMs = between(this.#world.random, 300, 2_000);
    this.#world.after(delayMs, "user creates again", () => {
      const isThere = this.#world.server.get("jobsets", keyOf(object)) !== undefined;
      if (!this.#isOver && !isThere && !this.#waiting.has(name)) this.#create({ object, triesLeft: triesLeft - 1 });
    });
  }

  #operate(operation: Operation): void {
    const manifest = this.#manifests.get(operation.jobSet);
    if (this.#isOver || manifest === undefined) return;
    if (operation.kind === "recreate") {
      this.#recreate(operation.object ?? manifest);
      return;
    }
    const jobSet = this.#world.server.get("jobsets", keyOf(manifest));
    if (jobSet === undefined) return;
    switch (operation.kind) {
      case "suspend":
      case "resume":
      case "edit":
        return this.#patch(operation, { manifest, triesLeft: MAX_TRIES });
      case "delete":
        return this.#delete(jobSet, operation.propagation);
      case "deleteJob":
        return this.#deleteChild(jobSet, { resource: "jobs", nth: operation.nth });
      case "deleteService":
        return this.#deleteChild(jobSet, { resource: "services", nth: 0 });
      case "deletePod":
        return this.#deletePod(jobSet, operation.nth);
      case "suspendJob":
        return this.#suspendJob(jobSet, operation.nth);
    }
  }

  #patch(
    operation: Operation & { readonly kind: "suspend" | "resume" | "edit" },
    { manifest, triesLeft }: { readonly manifest: JsonObject; readonly triesLeft: number },
  ): void {
    const key = keyOf(manifest);
    const jobSet = this.#world.server.get("jobsets", key);
    if (this.#isOver || jobSet === undefined || triesLeft <= 0) return;
    const { status } = this.#world.server.handle({
      method: "PATCH",
      path: `/apis/jobset.x-k8s.io/v1alpha2/namespaces/${key.namespace}/jobsets/${key.name}`,
      query: {},
      contentType: "application/merge-patch+json",
      accept: "application/json",
      body: JSON.stringify(this.#patchBody(operation, { jobSet, manifest })),
      user: operation.by,
    });
    if (status !== CONFLICT) return;
    this.#world.after(between(this.#world.random, 20, 500), `${operation.by} again`, () => {
      this.#patch(operation, { manifest, triesLeft: triesLeft - 1 });
    });
  }

  #patchBody(
    operation: Operation & { readonly kind: "suspend" | "resume" | "edit" },
    { jobSet, manifest }: { readonly jobSet: JsonObject; readonly manifest: JsonObject },
  ): JsonObject {
    if (operation.kind === "edit") return operation.patch;
    const suspend = operation.kind === "suspend";
    if (operation.by === "user") return { spec: { suspend } };
    const replicatedJobs = suspend
      ? restoredTemplates(jobSet, manifest)
      // Whatever an earlier admission left is taken back first, as a queue would at the eviction.
      : admittedTemplates({
        ...jobSet,
        spec: { ...specOf(jobSet), replicatedJobs: restoredTemplates(jobSet, manifest) },
      }, {
        random: this.#world.random,
        mayChangeResources: this.#scenario.gates.MutablePodResourcesForSuspendedJobSets === true,
      });
    return {
      metadata: { resourceVersion: asString(metadataOf(jobSet)["resourceVersion"]) ?? "" },
      spec: { suspend, replicatedJobs },
    };
  }

  #recreate(object: JsonObject): void {
    const key = keyOf(object);
    const jobSet = this.#world.server.get("jobsets", key);
    if (jobSet === undefined) {
      this.#create({ object, triesLeft: MAX_TRIES });
      return;
    }
    this.#waiting.set(key.name, object);
    if (!isDeleting(jobSet)) this.#delete(jobSet, pick(this.#world.random, ["Foreground", "Background", "Background"]));
  }

  #delete(jobSet: JsonObject, propagation: NonNullable<DeleteOptions["propagation"]>): void {
    const uid = uidOf(jobSet);
    tryTo(() => this.#world.server.remove("user", "jobsets", keyOf(jobSet), { propagation, uid }));
    if (propagation === "Orphan") this.#tidyUp(jobSet, TIDY_PASSES);
  }

  /**
   * Not held up by the calm: a Job of nobody would stand in the way of a JobSet of the same name for ever. More than once, as a
   * controller that has not heard of the deletion may make one more.
   */
  #tidyUp(jobSet: JsonObject, passes: number): void {
    if (passes === 0) return;
    this.#world.after(between(this.#world.random, 500, MAX_ORPHAN_MS), "user tidies up", () => {
      for (const job of [...this.#world.server.all("jobs")]) {
        if (!isNamedAfter(job, jobSet) || controllerUid(job) !== "") continue;
        tryTo(() =>
          this.#world.server.remove("user", "jobs", keyOf(job), { propagation: "Background", uid: uidOf(job) })
        );
      }
      this.#tidyUp(jobSet, passes - 1);
    });
  }

  #deleteChild(
    jobSet: JsonObject,
    { resource, nth }: { readonly resource: "jobs" | "services"; readonly nth: number },
  ): void {
    const children = this.#children(jobSet, resource);
    const child = children[nth % Math.max(1, children.length)];
    if (child === undefined) return;
    const propagation = chance(this.#world.random, 0.5) ? "Foreground" : "Background";
    tryTo(() => this.#world.server.remove("user", resource, child, { propagation }));
  }

  #deletePod(jobSet: JsonObject, nth: number): void {
    const { server } = this.#world;
    const jobs = [...server.ownedBy(uidOf(jobSet))].filter(({ resource }) => resource === "jobs");
    const pods = jobs.flatMap(({ object }) => this.#children(object, "pods"));
    const pod = pods[nth % Math.max(1, pods.length)];
    if (pod !== undefined) tryTo(() => server.remove("user", "pods", pod));
  }

  #suspendJob(jobSet: JsonObject, nth: number): void {
    const jobs = this.#children(jobSet, "jobs");
    const key = jobs[nth % Math.max(1, jobs.length)];
    const job = key === undefined ? undefined : this.#world.server.get("jobs", key);
    if (job === undefined || isDeleting(job) || isFinishedJob(job)) return;
    tryTo(() => this.#world.server.update("queue", "jobs", { ...job, spec: { ...specOf(job), suspend: true } }));
  }

  #children(owner: JsonObject, resource: "jobs" | "services" | "pods"): readonly ObjectKey[] {
    const keys: ObjectKey[] = [];
    for (const child of this.#world.server.ownedBy(uidOf(owner))) {
      if (child.resource === resource) keys.push(keyOf(child.object));
    }
    return keys;
  }

  /** Whoever waited for the end of a JobSet makes the next one, sooner or later. */
  #hearDelete({ before }: Write): void {
    const name = before === undefined ? "" : keyOf(before).name;
    const object = this.#waiting.get(name);
    if (object === undefined) return;
    this.#waiting.delete(name);
    const { random } = this.#world;
    this.#world.after(chance(random, 0.6) ? between(random, 0, 5) : between(random, 5, 3_000), "user recreates", () => {
      if (!this.#isOver) this.#create({ object, triesLeft: MAX_TRIES });
    });
  }

  /** The queue takes its gate off a new Pod, once it knows the place of it. */
  #hearPod({ after }: Write): void {
    if (after === undefined || !hasTopologyGate(after)) return;
    const key = keyOf(after);
    this.#world.after(between(this.#world.random, 1, 200), "queue ungates", () => {
      const pod = this.#world.server.get("pods", key);
      if (pod === undefined || isDeleting(pod) || !hasTopologyGate(pod)) return;
      const { schedulingGates: _, ...spec } = specOf(pod);
      tryTo(() => this.#world.server.update("queue", "pods", { ...pod, spec }));
    });
  }
}

function hasTopologyGate(pod: JsonObject): boolean {
  const gates = specOf(pod)["schedulingGates"];
  return Array.isArray(gates) && gates.some((gate) => gate?.name === TOPOLOGY_GATE);
}

/** Whether a Job carries the name of a JobSet, whoever owns it now. */
function isNamedAfter(job: JsonObject, jobSet: JsonObject): boolean {
  const [{ namespace }, owner] = [keyOf(job), keyOf(jobSet)];
  return namespace === owner.namespace && at(job, "metadata", "labels", JOBSET_NAME) === owner.name;
}
