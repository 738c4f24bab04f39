/** For tests: what they share to talk to a server within the process. */

import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import { type Credentials, fixedCredentials } from "./credentials.ts";
import { createKubeClient, type KubeClient, type KubeClientOptions } from "./kube_client.ts";

export const NO_CREDENTIALS: Credentials = { headers: {}, ca: undefined, cert: undefined, key: undefined };

export function silentLog(): Log {
  return { info: () => {}, error: () => {} };
}

export function testAccess(server: string, options: Partial<ClusterAccess> = {}): ClusterAccess {
  return {
    server,
    namespace: undefined,
    proxyUrl: undefined,
    tlsServerName: undefined,
    insecureSkipTlsVerify: false,
    credentials: fixedCredentials(NO_CREDENTIALS),
    source: "a test",
    ...options,
  };
}

/** A client of `server` without a rate limit. */
export function testClient(server: string, options: Partial<KubeClientOptions> = {}): KubeClient & { close(): void } {
  const access = testAccess(server);
  return createKubeClient({ access, env: {}, qps: 0, burst: 1, userAgent: "test", clock: systemClock(), ...options });
}

/** Waits until the condition holds; throws after 5 s. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`wait until ${what}: not within 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection: it resolved");
}
