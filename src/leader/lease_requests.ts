import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { type Lease, readLease } from "./lease.ts";

export interface LeaseRequestsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
}

export function leasesPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

/**
 * The requests of the election: past the rate limit, so that the work of a busy controller never costs it the lease, and each
 * within its time. All reject with an ApiError.
 */
export class LeaseRequests {
  readonly #options: LeaseRequestsOptions;
  #cut: () => void = () => {};

  constructor(options: LeaseRequestsOptions) {
    this.#options = options;
  }

  read(timeoutMs: number): Promise<Lease> {
    return this.#send({ method: "GET", path: this.#path, timeoutMs });
  }

  create(body: JsonObject, timeoutMs: number): Promise<Lease> {
    return this.#send({ method: "POST", path: leasesPath(this.#options.namespace), body, timeoutMs });
  }

  update(body: JsonObject, timeoutMs: number): Promise<Lease> {
    return this.#send({ method: "PUT", path: this.#path, body, timeoutMs });
  }

  /** Ends the request under way, if there is one; whether it took effect is then not known. */
  cut(): void {
    this.#cut();
  }

  get #path(): string {
    return `${leasesPath(this.#options.namespace)}/${this.#options.name}`;
  }

  /** By a timer of our own: renewing credentials has no end either. A request that was cut off is not sent any more. */
  async #send(request: KubeRequest & { readonly timeoutMs: number }): Promise<Lease> {
    const { client, clock } = this.#options;
    const action = `${request.method} ${request.path}`;
    const cut = new AbortController();
    const isCut = new Promise<never>((_, reject) => {
      cut.signal.addEventListener("abort", () => reject(cut.signal.reason), { once: true });
    });
    const cutWith = (reason: string, words: string) =>
      cut.abort(new ApiError({ status: 0, reason, message: `${action}: ${words}` }));
    const timer = clock.after(
      request.timeoutMs,
      () => cutWith("Timeout", `no answer within ${Math.round(request.timeoutMs)} ms`),
    );
    this.#cut = () => cutWith("Interrupted", "given up");
    try {
      const sent = client.request({ ...request, signal: cut.signal, privileged: true, retry: false });
      const lease = readLease(await Promise.race([sent, isCut]));
      if (lease !== undefined) return lease;
      throw new ApiError({ status: 0, reason: "BadAnswer", message: `${action}: the answer is no Lease` });
    } finally {
      timer.cancel();
      this.#cut = () => {};
    }
  }
}
