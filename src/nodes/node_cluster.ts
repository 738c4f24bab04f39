import { type JobSet, readJobSet } from "../api/job_set.ts";
import { API_VERSION } from "../api/keys.ts";
import { asArray, asObject, at, type JsonObject } from "../base/json.ts";
import { messageOf } from "../base/message_of.ts";
import { isForbidden, isNotFound, isUnauthorized } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { pagesOf } from "../client/pages_of.ts";
import { type NodeView, readNode } from "./node_view.ts";

const NODES = "/api/v1/nodes";
const PAGE = "500";

/** The cluster as `jobset nodes` sees it; a failure says in one line what was tried. */
export class NodeCluster {
  readonly #client: KubeClient;
  readonly #signal: AbortSignal;

  constructor({ client, signal }: { readonly client: KubeClient; readonly signal: AbortSignal }) {
    this.#client = client;
    this.#signal = signal;
  }

  async nodes(labelSelector: string): Promise<readonly NodeView[]> {
    return await this.#list("list nodes", NODES, { read: readNode, query: { labelSelector } });
  }

  /** Undefined where it is gone. */
  async node(name: string): Promise<NodeView | undefined> {
    try {
      return readNode(await this.#request(`read node ${name}`, { method: "GET", path: `${NODES}/${name}` }));
    } catch (error) {
      if (isNotFound(causeOf(error))) return undefined;
      throw error;
    }
  }

  /** A merge patch; its failure's cause is the API server's answer. */
  async patchNode(name: string, body: JsonObject): Promise<void> {
    await this.#request(`change node ${name}`, {
      method: "PATCH",
      path: `${NODES}/${name}`,
      query: { fieldManager: "jobset" },
      contentType: "application/merge-patch+json",
      body,
    });
  }

  /** Those of one namespace or of all, in the order of their names. */
  async jobSets(namespace: string | undefined): Promise<readonly JobSet[]> {
    const where = namespace === undefined ? "" : `/namespaces/${namespace}`;
    const found = await this.#list("list JobSets", `/apis/${API_VERSION}${where}/jobsets`, { read: readJobSet });
    return found.filter((jobSet) => jobSet !== undefined)
      .sort((a, b) => a.namespace < b.namespace ? -1 : a.namespace > b.namespace ? 1 : a.name < b.name ? -1 : 1);
  }

  /** All pages, each item read at once: of 15,000 Nodes only a little is kept. */
  async #list<T>(
    action: string,
    path: string,
    { read, query = {} }: {
      readonly read: (body: JsonObject) => T;
      readonly query?: Readonly<Record<string, string>>;
    },
  ): Promise<T[]> {
    const items: T[] = [];
    const ask = (token: string | undefined) => {
      const page: Record<string, string> = token === undefined ? { limit: PAGE } : { limit: PAGE, continue: token };
      return this.#request(action, { method: "GET", path, query: { ...query, ...page } });
    };
    for await (const page of pagesOf(ask)) {
      for (const item of asArray(at(page, "items"))) items.push(read(asObject(item) ?? {}));
    }
    return items;
  }

  async #request(action: string, request: KubeRequest): Promise<JsonObject> {
    try {
      return asObject(await this.#client.request({ ...request, signal: this.#signal })) ?? {};
    } catch (error) {
      const advice = isForbidden(error)
        ? "; this command needs list and patch on nodes, get too, and list on jobsets"
        : isUnauthorized(error)
        ? "; renew the kubeconfig's credentials"
        : isNotFound(error) && action === "list JobSets"
        ? "; the cluster does not know them: see 'jobset install --help'"
        : "";
      throw new Error(`${action}: ${messageOf(error)}${advice}`, { cause: error });
    }
  }
}

export function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}
