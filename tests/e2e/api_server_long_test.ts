/** Acceptance: `kill -9` of the API server at random moments of restarts (R84); and a CRD that comes late. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { killApiServerAtRandomMoments, type OwnEnvironment, startOwnEnvironment } from "./api_server_moments.ts";
import { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { seeded } from "./seeded.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const CRD = new URL("../../crds/jobset.x-k8s.io_jobsets.yaml", import.meta.url).pathname;
const TEST_TIMEOUT_MS = 15 * 60_000;

let environment: OwnEnvironment;
beforeAll(async () => {
  environment = await startOwnEnvironment();
}, SETUP_TIMEOUT_MS);
afterAll(() => environment.stop(), SETUP_TIMEOUT_MS);

test(
  "kill -9 of the API server at six random moments of restarts: each counted once, every Job made once (R84)",
  async () => {
    await killApiServerAtRandomMoments(environment, { moments: 6, random: seeded("API server killed six times") });
  },
  TEST_TIMEOUT_MS,
);

test(
  "no CRD on a real API server: one line; applied within 5 s of the start the controller starts all the same",
  async () => {
    await environment.mustKubectl(["delete", "-f", CRD, "--wait=true"]);
    const controller = new Controller(environment, await environment.controllerKubeconfig(), {});
    const cluster = await Cluster.create(environment);
    try {
      await controller.launch();
      await cluster.eventually("the end of it", () => Promise.resolve(!controller.isRunning()));
      const [line, ...more] = controller.logLines("").filter((each) => !each.includes(" INFO "));
      expect(more).toEqual([]);
      expect(line).toStartWith("error: ");
      expect(line).toContain("jobset manifests --crds-only | kubectl apply --server-side --force-conflicts -f -");
      const started = controller.start();
      await cluster.eventually(
        "it to start",
        () => Promise.resolve(controller.logLines("starting jobset").length === 2),
      );
      await environment.mustKubectl(["apply", "-f", CRD]);
      await started;
      await cluster.create("jobsets", jobSet("js", [byHand("a")]));
      await cluster.jobCount("js", 1, 0);
    } finally {
      await controller.dispose();
    }
  },
  TEST_TIMEOUT_MS,
);
