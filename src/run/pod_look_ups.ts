import { messageOf } from "../base/message_of.ts";
import type { Leader, PodLookUps } from "../admission/routes_pods.ts";
import { JOB_COMPLETION_INDEX, JOB_KEY } from "../api/keys.ts";
import { controllerJobUid } from "../api/pod.ts";
import { asArray, asObject, asString, at } from "../base/json.ts";
import { isForbidden, isNotFound } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { Semaphore } from "../client/semaphore.ts";

export interface PodLookUpsOptions {
  readonly client: Pick<KubeClient, "request">;
  /** Of the flag `--namespace`; undefined where all of them are watched. */
  readonly watchedNamespace: string | undefined;
}

/** Of all reviews together: they must not stand before the renewal of the lease. */
const MAX_AT_ONCE = 50;
/** No longer than a review waits for both of its questions. */
const TIMEOUT_MS = 4_000;
/** What is no label value is on no Pod, and might be taken for another selector. */
const LABEL_VALUE = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
const FINISHED = ["Succeeded", "Failed"];

/** Asks the API server; reviews that ask the same at the same time share one request. */
export function podLookUps({ client, watchedNamespace }: PodLookUpsOptions): PodLookUps {
  const places = new Semaphore(MAX_AT_ONCE);
  const leaders = new Map<string, Promise<readonly Leader[]>>();
  const domains = new Map<string, Promise<string | undefined>>();
  const ask = async (action: string, request: Pick<KubeRequest, "path" | "query" | "accept">) => {
    await places.acquire();
    try {
      return await client.request({ method: "GET", timeoutMs: TIMEOUT_MS, privileged: true, retry: false, ...request });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw new Error(`${action}: ${messageOf(error)}${advice(error, watchedNamespace)}`, { cause: error });
    } finally {
      places.release();
    }
  };
  const listLeaders = async (namespace: string, labelSelector: string) => {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
    const list = await ask(`list Pods of namespace "${namespace}"`, { path, query: { labelSelector } });
    return asArray(at(list, "items")).map(readLeader).filter((leader) => leader !== undefined);
  };
  return {
    leaders: ({ namespace, jobKey }) =>
      shared(leaders, `${namespace}/${jobKey}`, async () => {
        if (!LABEL_VALUE.test(jobKey)) return [];
        const selector = `${JOB_KEY}=${jobKey}`;
        // The label came to Pods later than the annotation that decides: where it finds none there may yet be one.
        const labelled = await listLeaders(namespace, `${selector},${JOB_COMPLETION_INDEX}=0`);
        return labelled.length > 0 ? labelled : await listLeaders(namespace, selector);
      }),
    domain: ({ nodeName, topologyKey }) =>
      shared(domains, `${nodeName}/${topologyKey}`, async () => {
        const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
        const node = await ask(`get Node "${nodeName}"`, { path, accept: METADATA_ONLY });
        return asString(at(node, "metadata", "labels", topologyKey));
      }),
  };
}

/** One request under way per question. */
function shared<T>(underWay: Map<string, Promise<T>>, question: string, ask: () => Promise<T>): Promise<T> {
  const running = underWay.get(question);
  if (running !== undefined) return running;
  const asked = ask().finally(() => underWay.delete(question));
  underWay.set(question, asked);
  return asked;
}

/** Spec 4.1: completion index 0, controlled by a Job, neither being deleted nor finished. */
function readLeader(pod: unknown): Leader | undefined {
  const metadata = asObject(at(pod, "metadata"));
  const ownerUid = controllerJobUid(metadata);
  const isFinished = FINISHED.includes(asString(at(pod, "status", "phase")) ?? "");
  const isDeleting = at(metadata, "deletionTimestamp") !== undefined;
  if (ownerUid === undefined || isFinished || isDeleting) return undefined;
  if (at(metadata, "annotations", JOB_COMPLETION_INDEX) !== "0") return undefined;
  return { name: asString(metadata?.["name"]) ?? "", ownerUid, nodeName: asString(at(pod, "spec", "nodeName")) };
}

/** Every replica serves the Pods of the whole cluster, whatever it watches. */
function advice(error: unknown, watchedNamespace: string | undefined): string {
  if (!isForbidden(error) || watchedNamespace === undefined) return "";
  return ` (this replica runs with --namespace=${watchedNamespace}, but its webhooks are called for Pods of other namespaces: ` +
    "let its role read Pods and Nodes there, or give the webhook configurations a namespaceSelector)";
}
