/** Creates the headless Service and the volume claims (spec 3.5, 3.6). */
import { objectKey } from "../api/names.ts";
import { isAlreadyExists, isNotFound, isNotWanted } from "../client/api_error.ts";
import type { ObjectCreate } from "../plan/types.ts";
import type { EffectContext } from "./effect_context.ts";
import * as requests from "./requests.ts";

/** Freed quota must not wait a quarter of an hour (spec 3.2). */
const CAP_MS = 60_000;

export class FoundationEffects {
  /** Claims that exist, or did once: a deleted one is not remade (spec 3.11). */
  readonly knownClaims = new Set<string>();
  /** Names of the claims under way. */
  readonly claims = new Set<string>();
  /** The Service is under way. */
  service = false;
  readonly #context: EffectContext;

  constructor(context: EffectContext) {
    this.#context = context;
  }

  async createService(namespace: string, service: ObjectCreate): Promise<void> {
    this.service = true;
    const release = () => {
      this.service = false;
      this.#context.wake();
    };
    try {
      const isWanted = () => this.#isServiceWanted(namespace, service.name);
      const request = { ...requests.createService(namespace, service.body), isWanted };
      this.#context.observeService(await this.#context.request(request));
      this.#context.logEffect("created Service", namespace, service.name);
    } catch (error) {
      if (isNotWanted(error)) return release();
      const isThere = isAlreadyExists(error) && await this.#findService(namespace, service.name);
      if (!isThere) {
        this.#context.report("HeadlessServiceCreationFailed", error);
        this.#context.logFailure(error, { action: "creating Service", object: objectKey(namespace, service.name) });
        return this.#context.retries.later("service", CAP_MS, release);
      }
    }
    this.#context.succeeded("creating Service");
    this.#context.retries.reset("service");
    release();
  }

  /** Neither for a JobSet that is gone or finished, nor where one is by now. */
  #isServiceWanted(namespace: string, name: string): boolean {
    return this.#context.isGoingOn && this.#context.services.get(namespace, name) === undefined;
  }

  /** An existing Service of that name is used as it is, whoever owns it (spec 3.5). */
  async #findService(namespace: string, name: string): Promise<boolean> {
    try {
      this.#context.observeService(await this.#context.request(requests.getService(namespace, name)));
      return this.#context.services.get(namespace, name) !== undefined;
    } catch {
      return false; // Deleted in between, or the API server is away: the caller tries again.
    }
  }

  async ensureClaim(namespace: string, claim: ObjectCreate): Promise<void> {
    const { claims } = this;
    const failure = { action: "creating PersistentVolumeClaim", object: objectKey(namespace, claim.name) };
    const release = () => {
      claims.delete(claim.name);
      this.#context.wake();
    };
    claims.add(claim.name);
    try {
      if (!await this.#claimExists(namespace, claim.name)) {
        const isWanted = () => this.#context.isGoingOn;
        await this.#context.request({ ...requests.createClaim(namespace, claim.body), isWanted });
        this.#context.logEffect("created PersistentVolumeClaim", namespace, claim.name);
      }
    } catch (error) {
      if (isNotWanted(error)) return release();
      if (!isAlreadyExists(error)) {
        this.#context.report("PVCCreationFailed", error);
        this.#context.logFailure(error, failure);
        return this.#context.retries.later(`claim/${claim.name}`, CAP_MS, release);
      }
    }
    this.knownClaims.add(claim.name);
    this.#context.succeeded(failure.action);
    this.#context.retries.reset(`claim/${claim.name}`);
    release();
  }

  async #claimExists(namespace: string, name: string): Promise<boolean> {
    try {
      await this.#context.request(requests.getClaim(namespace, name));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}
