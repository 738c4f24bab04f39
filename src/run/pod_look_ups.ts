/** What the Pod rules ask of the cluster (spec 4.1): the caches answer where they are up to date, else the API server. */
import { messageOf } from "../base/message_of.ts";
import type { Leader, PodLookUps } from "../admission/routes_pods.ts";
import { asArray, asObject, at } from "../base/json.ts";
import { JOB_COMPLETION_INDEX, JOB_KEY } from "../api/keys.ts";
import { objectKey } from "../api/names.ts";
import { nodeDomain } from "../api/node.ts";
import { givesDomain, type Pod, readPod } from "../api/pod.ts";
import { isForbidden, isNotFound } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { Semaphore } from "../client/semaphore.ts";
import type { PodWatches } from "./pod_watches.ts";
import { SharedRequests } from "./shared_requests.ts";

export interface PodLookUpsOptions {
  readonly client: Pick<KubeClient, "request">;
  readonly watches: Pick<PodWatches, "leadersOf" | "domainsOf">;
  /** Of the flag `--namespace`; undefined where all of them are watched. */
  readonly watchedNamespace: string | undefined;
}

/** Of all questions together: they pass by the reconciles' rate limit, and must not stand before the renewal of the lease. */
const MAX_AT_ONCE = 50;
/** No longer than a review waits for both of its questions. */
const TIMEOUT_MS = 4_000;
const PAGE_SIZE = "500";
/** What is no label value is on no Pod, and might be taken for another selector. */
const LABEL_VALUE = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

type Get = (action: string, request: Pick<KubeRequest, "path" | "query" | "accept">) => Promise<unknown>;

/** Those who ask the same at the same time share one request. */
export function podLookUps({ client, watches, watchedNamespace }: PodLookUpsOptions): PodLookUps {
  const places = new Semaphore(MAX_AT_ONCE);
  const pods = new SharedRequests<readonly Leader[]>(places);
  const nodes = new SharedRequests<unknown>(places);
  const get: Get = async (action, request) => {
    try {
      return await client.request({ method: "GET", timeoutMs: TIMEOUT_MS, privileged: true, retry: false, ...request });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw new Error(`${action}: ${messageOf(error)}${advice(error, watchedNamespace)}`, { cause: error });
    }
  };
  return {
    async leaders({ namespace, jobKey, isCertain }) {
      const known = isCertain ? undefined : watches.leadersOf(namespace, jobKey);
      if (known !== undefined) return known.map(leaderOf);
      if (!LABEL_VALUE.test(jobKey)) return [];
      return await pods.ask(objectKey(namespace, jobKey), isCertain, () => listLeaders(get, namespace, jobKey));
    },
    async domain({ nodeName, topologyKey, isCertain }) {
      const domains = isCertain ? undefined : watches.domainsOf(nodeName, topologyKey);
      if (domains !== undefined) return domains[topologyKey];
      const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
      const request = { path, accept: METADATA_ONLY };
      const node = await nodes.ask(nodeName, isCertain, () => get(`get Node "${nodeName}"`, request));
      return nodeDomain(node, topologyKey);
    },
  };
}

/**
 * By the label that the Job controller sets beside the annotation: a Job's other Pods, thousands perhaps, are not read. It is the
 * annotation that decides: where none has the label, as with Pods made by hand, the first of a page is looked for.
 */
async function listLeaders(get: Get, namespace: string, jobKey: string): Promise<readonly Leader[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const list = async (labelSelector: string) => {
    const query = { labelSelector, fieldSelector: "status.phase!=Failed", limit: PAGE_SIZE };
    const pods = await get(`list Pods of namespace "${namespace}"`, { path, query });
    return asArray(at(pods, "items")).map((item) => readPod(asObject(item) ?? {}))
      .filter((pod) => pod !== undefined).filter(givesDomain).map(leaderOf);
  };
  const labelled = await list(`${JOB_KEY}=${jobKey},${JOB_COMPLETION_INDEX}=0`);
  return labelled.length > 0 ? labelled : await list(`${JOB_KEY}=${jobKey}`);
}

function leaderOf({ name, jobUid, nodeName, phase }: Pod): Leader {
  return {
    name,
    ownerUid: jobUid ?? "",
    nodeName: nodeName === "" ? undefined : nodeName,
    isSucceeded: phase === "Succeeded",
  };
}

/** Every replica serves the Pods of the whole cluster, whatever it watches. */
function advice(error: unknown, watchedNamespace: string | undefined): string {
  if (!isForbidden(error) || watchedNamespace === undefined) return "";
  return ` (this replica runs with --namespace=${watchedNamespace}, but its webhooks are called for Pods of other namespaces: ` +
    "let its role read Pods and Nodes there, or give the webhook configurations a namespaceSelector)";
}
