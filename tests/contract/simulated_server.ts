import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import { systemClock } from "../../src/base/clock.ts";
import { fixedCredentials } from "../../src/client/credentials.ts";
import { createKubeClient } from "../../src/client/kube_client.ts";
import { GarbageCollector } from "../simulation/actors/garbage_collector.ts";
import { DirectTransport } from "../simulation/server/direct_transport.ts";
import { SimServer } from "../simulation/server/sim_server.ts";
import type { ContractServer } from "./api_contract.ts";

/** Without latencies. Its garbage collector works as soon as it can. */
export function simulatedServer(): ContractServer {
  const server = new SimServer({ now: () => Date.now(), hasWebhooks: false, gates: DEFAULT_FEATURE_GATES });
  const startedAt = Date.now();
  new GarbageCollector({
    server,
    random: { next: () => 0.5 },
    now: () => Date.now(),
    elapsed: () => Date.now() - startedAt,
    after: (_delayMs, _label, fire) => void setTimeout(fire, 1),
  });
  const access = {
    server: "https://simulated.example.com",
    namespace: undefined,
    proxyUrl: undefined,
    tlsServerName: undefined,
    insecureSkipTlsVerify: false,
    source: "the simulation",
    credentials: fixedCredentials({ ca: undefined, cert: undefined, key: undefined, headers: {} }),
  };
  const client = createKubeClient({
    access,
    env: {},
    qps: 0,
    burst: 0,
    userAgent: "contract-test",
    clock: systemClock(),
    transport: new DirectTransport(server),
  });
  let count = 0;
  const compact = () => Promise.resolve(server.compact());
  return {
    open: () => Promise.resolve({ client, namespace: `contract-${++count}`, compact }),
    close: () => client.close(),
  };
}
