import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { ApiError, isAlreadyExists, isConflict, isForbidden, isNotFound, isUnauthorized } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { elapsedMs, type Instant, instantOf } from "./elapsed.ts";
import { claimedLease, freedLease, type Lease, newLease } from "./lease.ts";
import { LeaseRequests } from "./lease_requests.ts";
import { type Leading, type LeaseAction, leaseStep, type LeaseTiming } from "./lease_step.ts";
import { LeaseView } from "./lease_view.ts";
import { type LeaseNews, LeaseWatch } from "./lease_watch.ts";

export interface LeaderElectorOptions extends LeaseTiming {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of this process alone, never used again: `<hostname>_<uuid>`. */
  readonly identity: string;
  readonly namespace: string;
  readonly name: string;
}

/** A request about the lease. */
type Try = Exclude<LeaseAction, { readonly kind: "wait" | "lost" }>;

/** Client-go's: those who poll do so at different times. */
const JITTER = 1.2;
/** Giving the lease back may take so long in all; without it the next leader waits until the lease runs out. */
const RELEASE_MS = 2_000;
const RELEASE_TRIES = 3;

/**
 * Takes part in the election of a leader by a Lease, compatible with client-go (spec 6.3).
 *
 * `run` is one loop: look at what is known (lease_step.ts), then wait or send one request. The watch and the callers only
 * change what is known, and wake it.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #view = new LeaseView();
  readonly #watch: LeaseWatch;
  readonly #requests: LeaseRequests;
  readonly #acquired = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #phase: "idle" | "running" | "releasing" | "ended" = "idle";
  /** Set while we lead: the begin of the last successful renewal. */
  #renewal: Instant | undefined;
  #lastChance: Leading["lastChance"];
  #notBeforeMs = 0;
  #pollAtMs = 0;
  #conflicts = 0;
  #failures = 0;
  /** A claim got no answer: the lease may be ours without our knowing. */
  #isDoubtful = false;
  #toldHolder = "";
  #wake: () => void = () => {};

  /** Throws where the durations make no safe election. */
  constructor(options: LeaderElectorOptions) {
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = options;
    if (leaseDurationMs <= renewDeadlineMs || renewDeadlineMs <= retryPeriodMs * JITTER || retryPeriodMs <= 0) {
      throw new Error(
        `elect a leader: leaseDuration (${leaseDurationMs} ms) must be longer than renewDeadline (${renewDeadlineMs} ms), ` +
          `and that longer than ${JITTER} times retryPeriod (${retryPeriodMs} ms)`,
      );
    }
    this.#options = options;
    this.#requests = new LeaseRequests(options);
    this.#watch = new LeaseWatch({ ...options, onNews: (news) => this.#hear(news), onTrust: () => this.#wake() });
  }

  /** Resolves once this process has become the leader. */
  get acquired(): Promise<void> {
    return this.#acquired.promise;
  }

  /** Whether we lead, as far as we know: for the metric. Whoever acts asks `mayWrite`. */
  get isLeader(): boolean {
    return this.#renewal !== undefined;
  }

  /**
   * The fence: whether a write may be sent now. Others leave the lease alone for leaseDuration after they saw a renewal, which
   * is after that began; we stop renewDeadline after it began, which is sooner. So two never hold it at once, whatever the
   * network does and however long this process or machine stood still.
   */
  mayWrite(): boolean {
    if (this.#renewal === undefined || this.#phase !== "running") return false;
    const { holder, known } = this.#view;
    // Another's name in it, or a Lease deleted under us, which anybody may make anew.
    if (known.kind === "absent" || (holder !== undefined && holder !== this.#options.identity)) return false;
    return elapsedMs(this.#renewal, this.#options.clock) <= this.#options.renewDeadlineMs;
  }

  /**
   * Takes part until `release`, the loss of the lease, or the signal, which leaves the lease to run out. Call it once.
   * "lost" means to end whatever is under way at once; `mayWrite` is false already.
   */
  async run(signal: AbortSignal): Promise<"released" | "lost"> {
    if (this.#phase !== "idle") return "released";
    this.#phase = "running";
    const ended = new AbortController();
    const onAbort = () => this.#interrupt();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const watchFailed = new Promise<never>((_, reject) => this.#watch.run(ended.signal).catch(reject));
      return await Promise.race([this.#loop(signal), watchFailed]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#phase = "ended";
      this.#renewal = undefined;
      ended.abort();
      this.#interrupt();
      this.#ended.resolve();
    }
  }

  /** Ends taking part and gives the lease back, where it is ours. Resolves when that is done, or could not be done in time. */
  async release(): Promise<void> {
    if (this.#phase === "idle") this.#phase = "ended";
    if (this.#phase === "ended") return;
    this.#phase = "releasing";
    this.#interrupt();
    await this.#ended.promise;
  }

  async #loop(signal: AbortSignal): Promise<"released" | "lost"> {
    for (;;) {
      if (signal.aborted || this.#phase === "ended") return "released";
      if (this.#phase === "releasing") {
        await this.#free();
        return "released";
      }
      const action = this.#next();
      if (action.kind === "lost") {
        this.#tell("lost the lease", { why: action.why });
        return "lost";
      }
      if (action.kind === "wait") await this.#pause(action.ms);
      else await this.#try(action);
    }
  }

  #next(): LeaseAction {
    const { clock, identity } = this.#options;
    return leaseStep({
      timing: this.#options,
      identity,
      nowMs: clock.monotonic(),
      known: this.#view.known,
      notBeforeMs: this.#notBeforeMs,
      pollAtMs: this.#watch.isTrusted ? undefined : this.#pollAtMs,
      leading: this.#renewal === undefined
        ? undefined
        : { sinceRenewalMs: elapsedMs(this.#renewal, clock), lastChance: this.#lastChance },
    });
  }

  async #try(action: Try): Promise<void> {
    const { clock } = this.#options;
    const startedAt = instantOf(clock);
    this.#grantLastChance();
    let lease: Lease;
    try {
      lease = await this.#send(action);
    } catch (error) {
      return this.#failed(action, error);
    }
    this.#learn(() => this.#view.answered(lease, clock.monotonic()));
    if (action.kind === "read") {
      this.#watch.expect(lease.resourceVersion);
      this.#pollAtMs = this.#jittered();
    } else {
      this.#renewed(startedAt);
    }
    if (this.#failures > 0) this.#tell("the lease can be used again");
    this.#failures = 0;
  }

  async #send(action: Try): Promise<Lease> {
    const { identity, leaseDurationMs, clock } = this.#options;
    const claim = { identity, durationMs: leaseDurationMs, nowMs: clock.now() };
    switch (action.kind) {
      case "read":
        return await this.#requests.read(action.timeoutMs);
      case "create":
        return await this.#requests.create(newLease(this.#options, claim), action.timeoutMs);
      case "claim":
        return await this.#requests.update(claimedLease(action.lease, claim), action.timeoutMs);
    }
  }

  /** A success counts from its begin: the request or its answer may have been on the way for long. */
  #renewed(startedAt: Instant): void {
    const wasLeader = this.#renewal !== undefined;
    this.#renewal = startedAt;
    this.#lastChance = undefined;
    this.#isDoubtful = false;
    this.#conflicts = 0;
    this.#notBeforeMs = startedAt.monotonicMs + this.#options.retryPeriodMs;
    if (wasLeader) return;
    this.#tell("became the leader");
    this.#acquired.resolve();
  }

  #failed(action: Try, error: unknown): void {
    if (action.kind === "read" && isNotFound(error)) return this.#view.answeredAbsent();
    if (action.kind !== "read") this.#isDoubtful ||= gotNoAnswer(error);
    if (isOvertaken(action, error)) {
      this.#view.overtaken();
      this.#conflicts += 1;
      // Once, what is new is looked at without a pause; who goes on colliding waits as after any failure.
      if (this.#conflicts === 1) return;
    }
    if (this.#lastChance !== undefined) this.#lastChance = { ...this.#lastChance, hasFailed: true };
    this.#notBeforeMs = this.#renewal === undefined
      ? this.#jittered()
      : this.#options.clock.monotonic() + this.#options.retryPeriodMs;
    this.#reportFailure(error);
  }

  /** Past the deadline, a process that stood still may find out whether the lease is as it left it. */
  #grantLastChance(): void {
    const { clock, renewDeadlineMs, retryPeriodMs } = this.#options;
    if (this.#renewal === undefined || this.#lastChance !== undefined) return;
    if (elapsedMs(this.#renewal, clock) < renewDeadlineMs) return;
    this.#lastChance = { untilMs: clock.monotonic() + retryPeriodMs, hasFailed: false };
  }

  #jittered(): number {
    const { clock, random, retryPeriodMs } = this.#options;
    return clock.monotonic() + retryPeriodMs * (1 + JITTER * random.next());
  }

  #hear(news: LeaseNews): void {
    const { clock } = this.#options;
    // A leader's own renewals are no news to it: only what others did changes its plans.
    if (this.#learn(() => this.#view.told(news, clock.monotonic()))) this.#notBeforeMs = 0;
    this.#wake();
  }

  /** Tells of a new holder, whichever way it became known. */
  #learn<R>(learn: () => R): R {
    const result = learn();
    const { holder = "" } = this.#view;
    if (holder !== this.#toldHolder && this.#renewal === undefined) {
      this.#toldHolder = holder;
      if (holder !== "" && holder !== this.#options.identity) this.#tell("standing by", { holder });
    }
    return result;
  }

  /** Frees the lease where it is, or may be, ours. */
  async #free(): Promise<void> {
    const isConcerned = this.#renewal !== undefined || this.#isDoubtful;
    this.#renewal = undefined;
    if (!isConcerned) return;
    const { clock, identity } = this.#options;
    const { known } = this.#view;
    const deadlineMs = clock.monotonic() + RELEASE_MS;
    let lease = known.kind === "present" && !this.#isDoubtful ? known.lease : undefined;
    let problem: unknown;
    for (let tries = 0; tries < RELEASE_TRIES; tries++) {
      try {
        lease ??= await this.#requests.read(deadlineMs - clock.monotonic());
        if (lease.record.holder !== identity) return;
        await this.#requests.update(freedLease(lease, clock.now()), deadlineMs - clock.monotonic());
        return this.#tell("released the lease");
      } catch (error) {
        if (isNotFound(error)) return;
        problem = error;
        lease = undefined;
        if (clock.monotonic() >= deadlineMs) break;
      }
    }
    this.#tell("could not release the lease, it runs out", { error: messageOf(problem) });
  }

  #pause(ms: number): Promise<void> {
    this.#conflicts = 0;
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, () => this.#wake());
      this.#wake = () => {
        timer.cancel();
        this.#wake = () => {};
        resolve();
      };
    });
  }

  #interrupt(): void {
    this.#requests.cut();
    this.#wake();
  }

  /** The first failure in a row is told, as an error where somebody has to grant or make something. */
  #reportFailure(error: unknown): void {
    if (this.#phase !== "running") return;
    const { log, namespace, name } = this.#options;
    const isFirst = this.#failures === 0;
    this.#failures += 1;
    const fields = { lease: `${namespace}/${name}`, error: messageOf(error) };
    const needsHelp = isForbidden(error) || isUnauthorized(error) || isNotFound(error);
    if (isFirst && needsHelp) log.error("the lease can't be used, it is tried again", fields);
    else log.info(isFirst ? 0 : 2, "the lease can't be used, it is tried again", fields);
  }

  #tell(message: string, fields: Readonly<Record<string, string>> = {}): void {
    const { log, namespace, name, identity } = this.#options;
    log.info(0, message, { lease: `${namespace}/${name}`, identity, ...fields });
  }
}

/** The write came too late: somebody else made, changed or deleted the Lease. */
function isOvertaken(action: Try, error: unknown): boolean {
  if (action.kind === "create") return isAlreadyExists(error);
  return action.kind === "claim" && (isConflict(error) || isNotFound(error));
}

/** Whether the write may have taken place all the same. */
function gotNoAnswer(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
}
