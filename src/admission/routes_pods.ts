/** The Pod webhooks (spec 4.1): who is asked, how often and for how long. The rules themselves are pure (pod_*.ts). */
import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../base/clock.ts";
import { JOB_KEY } from "../api/keys.ts";
import { type AdmissionRequest, plainRefusal, type Verdict } from "./admission_review.ts";
import { domainProblem, hasOwnSelector, type Leader, leaderOf, selectorProblem } from "./pod_leader.ts";
import { type PodChange, podPatch } from "./pod_mutation.ts";
import { type Follower, podRole } from "./pod_role.ts";

export type { Leader } from "./pod_leader.ts";

/**
 * What the Pod rules ask of the cluster, for Pods of every namespace. Rejects with an Error that says what failed where the API
 * server can't be asked. `isCertain`: asked of the API server just now; otherwise a cache will do.
 */
export interface PodLookUps {
  /** The Pods with completion index 0 and this label job-key that a Job controls and that are neither being deleted nor failed. */
  leaders(
    question: { readonly namespace: string; readonly jobKey: string; readonly isCertain: boolean },
  ): Promise<readonly Leader[]>;
  /** The value of a Node's label; undefined where the Node is gone or has no such label. */
  domain(
    question: { readonly nodeName: string; readonly topologyKey: string; readonly isCertain: boolean },
  ): Promise<string | undefined>;
}

export interface PodReviewsOptions {
  readonly podLookUps: PodLookUps;
  readonly clock: Clock;
}

/** Half of what the API server grants us, so that our own words reach the user. */
const DEADLINE_MS = 5_000;
const ALLOWED: Verdict = { kind: "allowed" };

/** Where a follower belongs, or why that is not known. */
type Place =
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "unknown"; readonly why: string }
  | { readonly kind: "failed"; readonly verdict: Verdict };

export class PodReviews {
  readonly #options: PodReviewsOptions;

  constructor(options: PodReviewsOptions) {
    this.#options = options;
  }

  /** Adds what exclusive placement needs. A follower without a leader is left as it is, for `validate` to refuse. */
  async mutate({ operation, object, namespace }: AdmissionRequest): Promise<Verdict> {
    if (operation !== "CREATE" || object === undefined) return ALLOWED;
    const patched = (change: PodChange): Verdict => {
      const patch = podPatch(object, change);
      if (patch.length === 0) return ALLOWED;
      return { kind: "patched", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
    };
    const role = podRole(object);
    if (role.kind === "none") return ALLOWED;
    if (role.kind === "plain") return patched({ kind: "labelled" });
    // Terms that not even the Pod itself matches would keep it from being scheduled for ever, without a word.
    if (role.jobKey === "") return plainRefusal(403, `exclusive placement needs the label "${JOB_KEY}" on each pod`);
    if (role.kind === "leader") return patched(role);
    const { topologyKey } = role;
    const place = await this.#place(role, namespace);
    switch (place.kind) {
      case "failed":
        return place.verdict;
      case "domain":
        return patched({ kind: "follower", topologyKey, domain: place.domain });
      case "unknown":
        // The validating webhook is not called for a Pod that has a selector.
        return hasOwnSelector(role) ? plainRefusal(403, place.why) : patched({ kind: "labelled" });
    }
  }

  /** Refuses a follower that has no domain to go to: the Job controller tries again, with backoff. */
  async validate({ operation, object, namespace }: AdmissionRequest): Promise<Verdict> {
    if (operation !== "CREATE") return ALLOWED;
    const role = podRole(object);
    if (role.kind !== "follower") return ALLOWED;
    const problem = selectorProblem(role);
    if (problem !== undefined) return plainRefusal(403, problem);
    const place = await this.#place(role, namespace);
    switch (place.kind) {
      case "failed":
        return place.verdict;
      case "domain":
        return ALLOWED;
      case "unknown":
        return plainRefusal(403, place.why);
    }
  }

  /** No follower is refused only because a cache lags: what would refuse it is asked of the API server once more. */
  async #place(follower: Follower, namespace: string): Promise<Place> {
    const { clock } = this.#options;
    const { promise: timeUp, resolve } = Promise.withResolvers<Place>();
    const failed = (found: string): Place => {
      return { kind: "failed", verdict: plainRefusal(500, `look up the leader pod: ${found}`) };
    };
    const timer = clock.after(DEADLINE_MS, () => resolve(failed(`no answer within ${DEADLINE_MS / 1000} s`)));
    const asked = async () => {
      const place = await this.#ask(follower, { namespace, isCertain: false });
      return place.kind === "domain" ? place : await this.#ask(follower, { namespace, isCertain: true });
    };
    try {
      return await Promise.race([asked(), timeUp]);
    } catch (error) {
      return failed(messageOf(error));
    } finally {
      timer.cancel();
    }
  }

  async #ask(
    follower: Follower,
    { namespace, isCertain }: { readonly namespace: string; readonly isCertain: boolean },
  ): Promise<Place> {
    const { podLookUps } = this.#options;
    const { jobKey, topologyKey } = follower;
    const leaders = jobKey === "" ? [] : await podLookUps.leaders({ namespace, jobKey, isCertain });
    const leader = leaderOf(follower, leaders);
    if (typeof leader === "string") return { kind: "unknown", why: leader };
    const domain = await podLookUps.domain({ nodeName: leader.nodeName, topologyKey, isCertain });
    if (domain === undefined) return { kind: "unknown", why: domainProblem(follower) };
    return { kind: "domain", domain };
  }
}
