import { ApiError, isNotWanted } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";

/**
 * The client of whoever acts for the leader: every write is refused by ourselves, right before each of its tries, once
 * `mayWrite` is false. It then rejects as a write without an answer does (status 0, reason "Fenced"), so that it is tried
 * again should the lease turn out to be still ours.
 *
 * What remains is a process that stands still after that check with the request in its buffers, or a request that waits in
 * the network or the API server. It may arrive while another leads, and is harmless then: a status carries the
 * resourceVersion that it was computed from, so nothing is counted twice; patches and deletes carry the uid of the very
 * object meant; a create of a Job finds its name taken, or makes a Job of an attempt that is over, which the next leader deletes
 * as it deletes every other of that attempt. A process that goes on after it stood still finds its lease lost and ends.
 */
export function fencedClient(client: KubeClient, mayWrite: () => boolean): KubeClient {
  return {
    stream: (request) => client.stream(request),
    request: (request) => request.method === "GET" ? client.request(request) : fencedWrite(client, request, mayWrite),
  };
}

async function fencedWrite(client: KubeClient, request: KubeRequest, mayWrite: () => boolean): Promise<unknown> {
  let isFenced = false;
  const isWanted = () => {
    isFenced = !mayWrite();
    return !isFenced && (request.isWanted?.() ?? true);
  };
  try {
    return await client.request({ ...request, isWanted });
  } catch (error) {
    if (!isFenced || !isNotWanted(error)) throw error;
    const message = `${request.method} ${request.path}: not sent, as the lease is not ours`;
    throw new ApiError({ status: 0, reason: "Fenced", message });
  }
}
