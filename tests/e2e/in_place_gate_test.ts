import { expect } from "bun:test";
import { at } from "../../src/base/json.ts";
import { nameOf, uidOf } from "./cluster.ts";
import { byHand, group, jobSet } from "./job_sets.ts";
import { fail } from "./job_status.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();

e2e.testWithoutWebhooks(
  "gate off: a stored strategy InPlaceRestart is logged once and behaves as Recreate (spec 5.1)",
  async (cluster, controller) => {
    await controller.start();
    const groups = [group("w", { replicas: 2 }), byHand("t")];
    const failurePolicy = { maxRestarts: 1, restartStrategy: "InPlaceRestart" };
    await cluster.create("jobsets", jobSet("js", groups, { failurePolicy }));
    const old = await cluster.jobCount("js", 3, 0);
    const pods = await cluster.eventually("2 Pods", async () => {
      const found = await cluster.pods("js");
      return found.length === 2 ? found : undefined;
    });
    for (const pod of pods) {
      const annotations = { "jobset.sigs.k8s.io/in-place-restart-attempt": "7" };
      await cluster.patch("pods", nameOf(pod), { metadata: { annotations } });
    }
    await fail(cluster, "js-t-0");
    const fresh = await cluster.jobCount("js", 3, 1);
    expect(fresh.map(uidOf).filter((uid) => old.map(uidOf).includes(uid))).toEqual([]);
    const { status } = await cluster.jobSet("js");
    expect(at(status, "currentInPlaceRestartAttempt")).toBeUndefined();
    expect(controller.logLines('strategy "InPlaceRestart" behaves as Recreate')).toHaveLength(1);
  },
);
