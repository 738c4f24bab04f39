import { messageOf } from "../base/message_of.ts";
import type { ExistingClaim } from "../admission/existing_claim.ts";
import type { GetClaim } from "../admission/routes_claims.ts";
import { asObject } from "../base/json.ts";
import { isNotFound } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { Semaphore } from "../client/semaphore.ts";

/**
 * Of all reviews together. One JobSet may name 2,500 claims, and whoever may create JobSets may send many at once: without a bound
 * their look-ups would stand before the renewal of the lease.
 */
const MAX_AT_ONCE = 50;

/** Reads claims past the reconciles' rate limit, for a user is waiting, but only so many at once. */
export function claimLookUps(client: Pick<KubeClient, "request">): GetClaim {
  const places = new Semaphore(MAX_AT_ONCE);
  return async (namespace, name, signal) => {
    await places.acquire(signal);
    try {
      return await getClaim(client, { namespace, name, signal });
    } finally {
      places.release();
    }
  };
}

async function getClaim(
  client: Pick<KubeClient, "request">,
  { namespace, name, signal }: { readonly namespace: string; readonly name: string; readonly signal: AbortSignal },
): Promise<ExistingClaim> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/persistentvolumeclaims/${encodeURIComponent(name)}`;
  try {
    const claim = asObject(await client.request({ method: "GET", path, signal, privileged: true }));
    return claim === undefined ? { kind: "error", message: "the answer is no object" } : { kind: "found", claim };
  } catch (error) {
    if (isNotFound(error)) return { kind: "absent" };
    return { kind: "error", message: messageOf(error) };
  }
}
