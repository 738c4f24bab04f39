/** Why the controller can't start, in one line that says what to do. */
import { messageOf } from "../base/message_of.ts";
import { type Clock, sleep } from "../base/clock.ts";
import { isForbidden, isNotFound, isUnauthorized } from "./api_error.ts";
import type { KubeClient } from "./kube_client.ts";

/** A server that does not answer is waited for this long: it may be starting, as we are. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 500;

/** A definition or a role that was applied a moment ago takes effect within this time. */
const SETTLE_MS = 5_000;

/** The error to end with for this failure of a watch that has waited so long; undefined where trying again may help. */
export function startProblem(what: string, error: unknown, waitedMs: number): Error | undefined {
  if (waitedMs < SETTLE_MS && !isUnauthorized(error)) return undefined;
  const words = messageOf(error);
  if (isNotFound(error) && what === "JobSets") {
    return new Error(
      `watch JobSets: the API server does not know them (${words}); apply the CRD first: ` +
        "jobset manifests --crds-only | kubectl apply --server-side --force-conflicts -f -",
    );
  }
  if (isUnauthorized(error)) {
    return new Error(
      `watch ${what}: the API server does not accept our credentials (${words}); renew the kubeconfig's`,
    );
  }
  if (isForbidden(error)) {
    return new Error(
      `watch ${what}: ${words}; grant it, as jobset-manager-role of 'jobset manifests' does, or narrow with --namespace`,
    );
  }
  return undefined;
}

/** Returns once the server answers. Throws one line where it doesn't, or refuses us. */
export async function waitForServer(
  { client, server, clock, signal }: { client: KubeClient; server: string; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const deadline = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    try {
      await client.request({ method: "GET", path: "/version", timeoutMs: PATIENCE_MS, signal });
      return;
    } catch (error) {
      const words = messageOf(error);
      if (signal.aborted) return;
      if (isUnauthorized(error)) {
        throw new Error(`log in to ${server}: ${words}; renew the kubeconfig's credentials`, { cause: error });
      }
      // Whoever may not ask for the version may still be allowed to watch.
      if (isForbidden(error)) return;
      if (clock.monotonic() >= deadline) {
        throw new Error(`reach the API server at ${server}: ${words}; check the kubeconfig and that the server runs`, {
          cause: error,
        });
      }
      await sleep(clock, PAUSE_MS, signal).catch(() => undefined);
    }
  }
}
