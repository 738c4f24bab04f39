/** The one file on an empty cluster, and once more: the second time changes nothing, whoever has filled in what meanwhile. */
import { expect, test } from "bun:test";
import { asArray, asObject, asString, at } from "../../src/base/json.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { nameOf } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { inEmptyCluster } from "./empty_cluster.ts";
import type { Environment } from "./environment.ts";
import { configFile } from "./installation.ts";

const TEST_TIMEOUT_MS = 3 * 60_000;
const DEPLOYMENT = "/apis/apps/v1/namespaces/jobset-system/deployments/jobset-controller-manager";
const SECRET = "/api/v1/namespaces/jobset-system/secrets/jobset-webhook-server-cert";
/** Those of `jobset manifests`. */
const OBJECTS = 22;

/** Every object of the file with its version; of the Deployment, whose status goes on, the generation. */
async function versions(environment: Environment, file: string): Promise<readonly string[]> {
  const printed: unknown = JSON.parse(await environment.mustKubectl(["get", "-f", file, "-o", "json"]));
  return asArray(at(printed, "items")).map((object) => {
    const { resourceVersion, generation } = asObject(at(object, "metadata")) ?? {};
    const kind = asString(at(object, "kind"));
    return `${kind} ${nameOf(object)} ${String(kind === "Deployment" ? generation : resourceVersion)}`;
  });
}

function manifest(environment: Environment, ...flags: readonly string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync([environment.description.binary, "manifests", ...flags]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return environment.writeFile("manifest.yaml", stdout.toString());
}

for (const flags of [[], ["--server-side"]] as const) {
  const command = ["kubectl", "apply", ...flags].join(" ");

  test(`${command} of the one file, and again: no object changes, and the Deployment is available`, async () => {
    await inEmptyCluster(async (environment) => {
      const file = manifest(environment);
      await environment.mustKubectl(["apply", ...flags, "-f", file]);
      await waitFor("the Deployment to be available", {
        timeoutMs: 60_000,
        check: async () => at(await environment.api.get(DEPLOYMENT), "status", "availableReplicas") === 1,
      });
      const before = await versions(environment, file);
      expect(before).toHaveLength(OBJECTS);
      await environment.mustKubectl(["apply", ...flags, "-f", file]);
      expect(await versions(environment, file)).toEqual(before);
    });
  }, TEST_TIMEOUT_MS);

  test(
    `${command}, with a controller that has filled Secret and bundles in between: again no object changes`,
    async () => {
      await inEmptyCluster(async (environment) => {
        const { webhookPort } = environment.description;
        const file = manifest(environment, `--webhook-url=https://127.0.0.1:${webhookPort}`);
        await environment.mustKubectl(["apply", ...flags, "-f", file]);
        const config = await configFile(environment, { webhooks: webhookPort });
        const kubeconfig = await environment.controllerKubeconfig();
        const controller = new Controller(environment, kubeconfig, { flags: [`--config=${config}`] });
        try {
          await controller.start();
          const before = await versions(environment, file);
          await environment.mustKubectl(["apply", ...flags, "-f", file]);
          expect(await versions(environment, file)).toEqual(before);
          expect(JSON.stringify(await environment.api.get(SECRET))).toContain('"tls.key"');
        } finally {
          await controller.dispose();
        }
      });
    },
    TEST_TIMEOUT_MS,
  );
}
