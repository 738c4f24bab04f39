/** Pods of old attempts are deleted by force from dead nodes, once that is due (spec 7.11). No watch serves this. */
import type { Timer } from "../base/clock.ts";
import { asArray, asObject, at } from "../base/json.ts";
import type { JobSet } from "../api/job_set.ts";
import { objectKey } from "../api/names.ts";
import { isConflict, isNotFound } from "../client/api_error.ts";
import {
  forcedEvent,
  type ForcedPod,
  judgeOldPods,
  type NodeHealth,
  nodesToAsk,
  type OldPod,
  type OldPodsCheck,
  readNodeHealth,
  readOldPod,
} from "../plan/old_pods.ts";
import type { EffectContext } from "./effect_context.ts";
import { pagesOf } from "../client/pages_of.ts";
import { forceDeletePod, getNode, listPods } from "./requests.ts";

const RETRY = "old-pods";
const ACTION = "looking after Pods on dead nodes";
const CAP_MS = 60_000;
/** Pages of a list of Pods, 500 each: more Pods than a JobSet can have. */
const MAX_PAGES = 100;
/** Requests at once. */
const WIDTH = 10;

/**
 * Lists the JobSet's Pods and asks for Nodes when a Pod may have become due, and at no other time: a deletion deadline tells
 * when exactly, and before it is known no Pod can be due earlier than `afterMs` from now.
 */
export class OldPods {
  readonly #context: EffectContext;
  #jobSet: JobSet | undefined;
  #check: OldPodsCheck | undefined;
  #timer: { readonly timer: Timer; readonly dueAt: number } | undefined;
  /** Uids of Pods that were forced: what still holds them is no business of ours. */
  readonly #forced = new Set<string>();
  #looking: Promise<void> | undefined;

  constructor(context: EffectContext) {
    this.#context = context;
  }

  /** What the newest plan says; undefined: nothing is to be looked after. */
  follow(jobSet: JobSet, check: OldPodsCheck | undefined): void {
    const known = this.#check;
    if (check === undefined) return known === undefined ? undefined : this.#end();
    this.#jobSet = jobSet;
    this.#check = check;
    if (known?.afterMs !== check.afterMs) this.#lookIn(check.isUnderWay ? 0 : check.afterMs);
    else if (!check.jobs.isSubsetOf(known.jobs)) this.#lookIn(check.afterMs);
  }

  /** Starts nothing more; resolves once what is under way has settled. */
  async stop(): Promise<void> {
    this.#end();
    await this.#looking;
  }

  #end(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    this.#check = undefined;
    this.#forced.clear();
    this.#context.retries.reset(RETRY);
  }

  /** An earlier look that is due already stands. */
  #lookIn(delayMs: number): void {
    if (this.#context.isStopped || this.#check === undefined) return;
    const { clock } = this.#context;
    const dueAt = clock.monotonic() + delayMs;
    if (this.#timer !== undefined && this.#timer.dueAt <= dueAt) return;
    this.#timer?.timer.cancel();
    const timer = clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#start();
    });
    this.#timer = { timer, dueAt };
  }

  #start(): void {
    // One look at a time: what the one under way finds says when the next is due, but it may have begun too early.
    if (this.#looking !== undefined) return void this.#looking.then(() => this.#lookIn(0));
    this.#looking = this.#look().finally(() => this.#looking = undefined);
  }

  async #look(): Promise<void> {
    const { retries, clock } = this.#context;
    try {
      const lookAgainAt = await this.#forceDue();
      this.#context.succeeded(ACTION);
      retries.reset(RETRY);
      if (lookAgainAt !== undefined && this.#check !== undefined) this.#lookIn(Math.max(0, lookAgainAt - clock.now()));
    } catch (error) {
      if (this.#check === undefined || this.#jobSet === undefined) return;
      const { namespace, name } = this.#jobSet;
      this.#context.logFailure(error, { action: ACTION, object: objectKey(namespace, name) });
      retries.later(RETRY, CAP_MS, () => this.#start());
    }
  }

  /** When the next Pod may be due; undefined where no old Pod is left. */
  async #forceDue(): Promise<number | undefined> {
    const [jobSet, check] = [this.#jobSet, this.#check];
    if (jobSet === undefined || check === undefined) return undefined;
    const pods = await this.#oldPods(jobSet, check);
    const when = { afterMs: check.afterMs, now: this.#context.clock.now() };
    const nodes = await this.#askNodes(nodesToAsk(pods, when));
    const { forced, lookAgainAt } = judgeOldPods({ pods, nodes, ...when });
    await inGroups(forced, (each) => this.#force(jobSet, each));
    return lookAgainAt;
  }

  async #oldPods({ namespace, name }: JobSet, { jobs }: OldPodsCheck): Promise<readonly OldPod[]> {
    const found: OldPod[] = [];
    const ask = (page: string | undefined) => this.#context.request(listPods(namespace, { jobSet: name, page }));
    for await (const page of pagesOf(ask, MAX_PAGES)) {
      for (const body of asArray(at(page, "items"))) {
        const pod = readOldPod(asObject(body) ?? {}, jobs);
        if (pod !== undefined && !this.#forced.has(pod.uid)) found.push(pod);
      }
    }
    return found;
  }

  async #askNodes(names: readonly string[]): Promise<ReadonlyMap<string, NodeHealth>> {
    const nodes = new Map<string, NodeHealth>();
    await inGroups(names, async (name) => {
      nodes.set(name, await this.#askNode(name));
    });
    return nodes;
  }

  async #askNode(name: string): Promise<NodeHealth> {
    try {
      return readNodeHealth(await this.#context.request(getNode(name)));
    } catch (error) {
      if (isNotFound(error)) return "gone";
      throw error;
    }
  }

  async #force({ namespace }: JobSet, forced: ForcedPod): Promise<void> {
    const { pod } = forced;
    if (this.#check === undefined) return;
    try {
      await this.#context.request(forceDeletePod(namespace, pod));
    } catch (error) {
      // Gone by itself, or its name is another Pod's by now.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
    }
    this.#forced.add(pod.uid);
    this.#context.logEffect("deleted Pod by force", namespace, pod.name);
    this.#context.emit(forcedEvent(forced));
  }
}

async function inGroups<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += WIDTH) {
    await Promise.all(items.slice(start, start + WIDTH).map(act));
  }
}
