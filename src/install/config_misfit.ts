import { parseBindAddress } from "../base/bind_address.ts";
import type { ConfigFile } from "../config/config_file.ts";

/** What the manifest's Deployment, Services and webhooks name. */
const HEALTH_PORT = 8081;
const WEBHOOK_PORT = 9443;
const SERVICE = "jobset-webhook-service";

/**
 * What in a configuration does not go with the manifest, which does not follow it: probes, or webhook calls, would fail.
 * Undefined where nothing does. Only for a controller in the cluster.
 */
export function configMisfit({ health, webhook, internalCertManagement }: ConfigFile["values"]): string | undefined {
  const found: string[] = [];
  const expect = (field: string, value: string | number | undefined, fits: boolean, why: string) => {
    if (value !== undefined && !fits) found.push(`${field} (${value}): ${why}`);
  };
  const path = (name: string | undefined) => name?.replace(/^\/+/, "");
  const address = health?.healthProbeBindAddress;
  const bound = address === undefined ? undefined : parseBindAddress(address);
  const isBound = bound !== undefined && bound !== "off" && bound.port === HEALTH_PORT;
  expect("health.healthProbeBindAddress", address, isBound, `the Deployment's probes ask port ${HEALTH_PORT}`);
  for (const [field, name] of [["livenessEndpointName", "healthz"], ["readinessEndpointName", "readyz"]] as const) {
    const given = health?.[field];
    expect(`health.${field}`, given, path(given) === name, `the Deployment's probe asks /${name}`);
  }
  const port = webhook?.port;
  expect("webhook.port", port, port === WEBHOOK_PORT, `the Service ${SERVICE} calls port ${WEBHOOK_PORT}`);
  const service = internalCertManagement?.enable === false ? undefined : internalCertManagement?.webhookServiceName;
  const why = `the webhooks are called by the Service ${SERVICE}`;
  expect("internalCertManagement.webhookServiceName", service, service === SERVICE, why);
  return found[0];
}
