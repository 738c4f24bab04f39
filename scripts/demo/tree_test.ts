import { describe, expect, test } from "bun:test";
import { paint } from "./line.ts";
import { condition, EXITED_3, job, jobSet, pod, READY } from "./test_objects.ts";
import { treeLines } from "./tree.ts";
import type { Snapshot } from "./views.ts";

function drawn(snapshot: Snapshot, maxLines?: number): readonly string[] {
  return treeLines(snapshot, maxLines).map((entry) => paint(entry, { colours: false }));
}

const driver = job({ group: "driver", status: { ready: 1, active: 2 } });
const worker = job({ group: "workers", index: 1, attempt: 2, status: { failed: 1 } });
const running: Snapshot = {
  jobSets: [jobSet({ restarts: 2, conditions: [condition("RestartingJobSet", "True", "DefaultFailurePolicy")] })],
  jobs: [driver, worker],
  pods: [pod(driver, "0", READY), pod(driver, "1", { phase: "Pending" }), pod(worker, "0", EXITED_3)],
};

describe("the tree", () => {
  test("shows conditions, restarts, Jobs and their Pods", () => {
    expect(drawn(running)).toEqual([
      "JobSet default/run  Restarting, restarts 2 (maxRestarts 3)",
      "  condition RestartingJobSet=True  DefaultFailurePolicy",
      "├─ Job run-driver-0  Running, attempt 0, 1 of 2 ready",
      "│  ├─ Pod run-driver-0-0  Running, ready  node-0",
      "│  └─ Pod run-driver-0-1  Pending  node-0",
      "└─ Job run-workers-1  Running, attempt 2, 0 of 2 ready, 1 failed",
      "   └─ Pod run-workers-1-0  Failed with exit code 3  node-0",
    ]);
  });

  test("says what a replicatedJob without Jobs waits for", () => {
    expect(drawn({ jobSets: [jobSet()], jobs: [], pods: [] })).toEqual([
      "JobSet default/run  Running, restarts 0 (maxRestarts 3)",
      "├─ driver: 0 of 1 Jobs",
      "└─ workers: 0 of 2 Jobs, waits for driver to be Ready",
    ]);
  });

  test("says why a Pod can't be placed", () => {
    const scheduled = { type: "PodScheduled", status: "False", message: "0/3 nodes are available" };
    const stuck = pod(driver, "0", { conditions: [scheduled] });
    const lines = drawn({ jobSets: [jobSet()], jobs: [driver], pods: [stuck] });
    expect(lines[2]).toBe("│  └─ Pod run-driver-0-0  Pending, 0/3 nodes are available  node-0");
  });

  test("draws the Pods of a Job together where room is short", () => {
    const lines = drawn(running, 6);
    expect(lines).toHaveLength(6);
    expect(lines[3]).toBe("│  └─ 2 Pods: 1 Running, 1 Pending");
  });

  test("keeps a line of a finished JobSet where room is shorter still", () => {
    const finished = jobSet({ terminalState: "Completed" });
    const lines = drawn({ ...running, jobSets: [finished] }, 3);
    expect(lines).toEqual(["JobSet default/run  Completed, restarts 0 (maxRestarts 3)"]);
  });

  test("never has more lines than it may, and says what is left out", () => {
    expect(drawn(running, 3)).toEqual([
      "JobSet default/run  Restarting, restarts 2 (maxRestarts 3)",
      "  condition RestartingJobSet=True  DefaultFailurePolicy",
      "… and 4 lines more",
    ]);
  });
});

describe("a painted line", () => {
  const [title = []] = treeLines(running);

  test("ends with a mark where it is cut", () => {
    expect(paint(title, { colours: false, columns: 12 })).toBe("JobSet defa…");
    expect(paint(title, { colours: false, columns: 58 })).toHaveLength(58);
  });

  test("is as long with colours, which it closes", () => {
    const painted = paint(title, { colours: true, columns: 12 });
    expect(painted).toBe("JobSet \x1b[1mdefa…\x1b[0m");
  });
});
