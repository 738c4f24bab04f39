import type { JsonObject } from "../../src/base/json.ts";
import { type Api, ApiFailure } from "../control_plane/api.ts";
import { type PodKey, podPath } from "./pod_fields.ts";

const RETRY_MS = 250;

/**
 * Writes a Pod's status, always the latest one: changes that come while a request is under way go out together after it.
 * A request that got no answer, or a 5xx, is sent again until the Pod is gone or `dispose` is called.
 */
export class StatusWriter {
  readonly #api: Api;
  readonly #key: PodKey;
  readonly #compute: () => JsonObject;
  #isDirty = false;
  #isDisposed = false;
  #running: Promise<void> | undefined;

  constructor(api: Api, key: PodKey, compute: () => JsonObject) {
    this.#api = api;
    this.#key = key;
    this.#compute = compute;
  }

  changed(): void {
    this.#isDirty = true;
    this.#running ??= this.#run();
  }

  /** Resolves when the last change is written. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Deletes the Pod for good, as a kubelet does after its containers have ended. */
  remove(): Promise<void> {
    const body = { gracePeriodSeconds: 0, preconditions: { uid: this.#key.uid } };
    return this.#persist(() => this.#api.delete(podPath(this.#key), body));
  }

  dispose(): void {
    this.#isDisposed = true;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // let further changes of this turn join
    while (this.#isDirty && !this.#isDisposed) {
      this.#isDirty = false;
      await this.#persist(() => {
        const body = { metadata: { uid: this.#key.uid }, status: this.#compute() };
        return this.#api.patch(`${podPath(this.#key)}/status`, body, "strategic");
      });
    }
    this.#running = undefined;
  }

  async #persist(send: () => Promise<unknown>): Promise<void> {
    while (!this.#isDisposed) {
      try {
        await send();
        return;
      } catch (error) {
        if (error instanceof ApiFailure && error.code >= 400 && error.code < 500 && error.code !== 429) {
          return this.#gone(error);
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** 404, or 409 because another Pod has the name now: nothing is left to write. */
  #gone(error: ApiFailure): void {
    this.dispose();
    if (error.code !== 404 && error.code !== 409) throw error;
  }
}
