import { isForbidden } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import type { Log } from "../base/log.ts";

/** A permission as RBAC names it. */
interface Permission {
  readonly verb: string;
  readonly resource: string;
}

/** A client that says once of each permission that is missing, until it is granted. */
export class TellingClient implements KubeClient {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #log: Log;
  readonly #told = new Set<string>();

  constructor(client: KubeClient, { namespace, log }: { readonly namespace: string; readonly log: Log }) {
    this.#client = client;
    this.#namespace = namespace;
    this.#log = log;
  }

  request(request: KubeRequest): Promise<unknown> {
    const permission = request.method === "PATCH"
      ? { verb: "patch", resource: "pods" }
      : { verb: "list", resource: "jobsets.jobset.x-k8s.io" };
    return this.#telling(permission, this.#client.request(request));
  }

  stream(request: KubeRequest): Promise<ReadableStream<Uint8Array>> {
    return this.#telling({ verb: "watch", resource: "jobsets.jobset.x-k8s.io" }, this.#client.stream(request));
  }

  async #telling<R>({ verb, resource }: Permission, asked: Promise<R>): Promise<R> {
    const key = `${verb} ${resource}`;
    try {
      const answer = await asked;
      this.#told.delete(key);
      return answer;
    } catch (error) {
      if (isForbidden(error) && !this.#told.has(key)) {
        this.#told.add(key);
        this.#log.error("a permission is missing: grant it to the Pod's service account; trying again", {
          verb,
          resource,
          namespace: this.#namespace,
          error: error instanceof Error ? error.message : undefined,
        });
      }
      throw error;
    }
  }
}
