import { expect, test } from "bun:test";
import { parseConfigFile } from "../config/config_file.ts";
import { configMisfit } from "./config_misfit.ts";
import { managerConfig } from "./manager_config.ts";

function misfit(text: string): string | undefined {
  return configMisfit(parseConfigFile(text, "a test").values);
}

test("our own configuration goes with our own manifest, and so does one that says nothing", () => {
  for (const hasCertManager of [false, true]) {
    expect(misfit(managerConfig({ featureGates: {}, hasCertManager }))).toBeUndefined();
  }
  expect(misfit("")).toBeUndefined();
  expect(misfit('health: {healthProbeBindAddress: "", livenessEndpointName: /healthz}\nwebhook: {port: 0}'))
    .toBeUndefined();
});

test("what the Deployment's probes or the Service do not ask for is named", () => {
  expect(misfit('health: {healthProbeBindAddress: ":9090"}')).toBe(
    "health.healthProbeBindAddress (:9090): the Deployment's probes ask port 8081",
  );
  expect(misfit('health: {healthProbeBindAddress: "0"}')).toContain("probes ask port 8081");
  expect(misfit("health: {readinessEndpointName: ready}")).toContain("asks /readyz");
  expect(misfit("webhook: {port: 10250}")).toContain("calls port 9443");
  const named = "internalCertManagement: {webhookServiceName: other}";
  expect(misfit(named)).toContain("called by the Service jobset-webhook-service");
  expect(misfit("internalCertManagement: {enable: false, webhookServiceName: other}")).toBeUndefined();
});
