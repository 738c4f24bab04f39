/** The controller is killed in the middle of a restart, and another takes over (R84). */
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { FaultRule } from "../../scripts/fault_proxy.ts";
import { behindProxy } from "./behind_proxy.ts";
import { killAtRandomMoments, RestartedJobSet } from "./kill_moments.ts";
import { seeded } from "./seeded.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();

e2e.test(
  "kill -9 at five random moments of restarts: each counted once, every Job made once (R84)",
  async (cluster, controller) => {
    await killAtRandomMoments({ cluster, controller, moments: 5, random: seeded("killed at random") });
  },
);

type Held = Pick<FaultRule, "match" | "silence" | "silenceAfterBytes">;

const isStatusWrite = (method: string, path: string) => method === "PATCH" && /\/jobsets\/js\/status$/.test(path);
const isDelete = (method: string, path: string) => method === "DELETE" && path.includes("/jobs/");
const isCreate = (method: string, path: string) => method === "POST" && path.endsWith("/jobs");
/** Holds for all but the first four requests. */
const fromTheFifth = (match: FaultRule["match"]): FaultRule["match"] => {
  let seen = 0;
  return (...request) => match(...request) && ++seen > 4;
};

/** Where the restart stands still; silence after no byte: it is done, but the controller never hears of it. */
const moments: readonly (readonly [string, () => Held])[] = [
  ["before the status write", () => ({ match: isStatusWrite, silence: true })],
  ["after the status write, unanswered", () => ({ match: isStatusWrite, silenceAfterBytes: 0 })],
  ["between the deletes", () => ({ match: fromTheFifth(isDelete), silence: true })],
  ["after deletes that are unanswered", () => ({ match: fromTheFifth(isDelete), silenceAfterBytes: 0 })],
  ["between the creates", () => ({ match: fromTheFifth(isCreate), silence: true })],
  ["after creates that are unanswered", () => ({ match: fromTheFifth(isCreate), silenceAfterBytes: 0 })],
];

e2e.test("kill -9 before, between and after the requests of a restart (R84)", async (cluster) => {
  await behindProxy(cluster, async ({ proxy, controller }) => {
    await controller.start();
    const random = seeded("killed between requests");
    const restarted = await RestartedJobSet.create(cluster);
    for (const [moment, held] of moments) {
      const rule = proxy.rule(held());
      await restarted.failOne(random);
      await waitFor(moment, { timeoutMs: 20_000, check: () => rule.hits > 0, describe: () => controller.logTail() });
      // What was let through has arrived; a controller that waits for an answer does no more by itself.
      await controller.kill();
      console.log(`killed ${moment}: ${await restarted.progress()}`);
      rule.remove();
      await controller.start();
      await restarted.restarted();
    }
    await restarted.finish();
  });
});
