/**
 * The webhooks alone, as the controller serves them: a process of its own for the long fuzz test. It prints
 * one line of JSON (`port`, `caPem`) when it listens, and ends with its input.
 */
import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import { admissionRoutes } from "../../src/admission/routes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { createLogger } from "../../src/base/logger.ts";
import { makeTestCertificate } from "../../src/client/test_certificates.ts";
import { WEBHOOK_LIMITS } from "../../src/server/limits.ts";
import { startTlsServer } from "../../src/server/tls_server.ts";

const clock = systemClock();
const log = createLogger({ clock, verbosity: 0, write: (line) => console.error(line) });
const ca = makeTestCertificate({ commonName: "bench" });
const routes = admissionRoutes({
  gates: DEFAULT_FEATURE_GATES,
  getClaim: () => Promise.resolve({ kind: "absent" }),
  podLookUps: { leaders: () => Promise.resolve([]), domain: () => Promise.resolve(undefined) },
  clock,
  log,
});
const server = await startTlsServer({
  address: { host: "127.0.0.1", port: 0 },
  served: { what: "webhooks", flag: "no flag" },
  fetch: routes.fetch,
  certificate: makeTestCertificate({ commonName: "webhook", issuer: ca, ipAddresses: ["127.0.0.1"] }),
  minVersion: "VersionTLS12",
  cipherSuites: [],
  limits: WEBHOOK_LIMITS,
  clock,
  log,
});
console.log(JSON.stringify({ port: server.port, caPem: ca.certPem }));
for await (const _ of console) continue;
await server.stop(1_000);
