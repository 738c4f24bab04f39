import { describe, expect, test } from "bun:test";
import { podLives } from "./pod_life.ts";
import { ended, frame, pod, RUNNING, WAITING } from "./test_frames.ts";

describe("the life of a Pod", () => {
  test("goes from its creation over its node and its container to its end", () => {
    const up = { restartCount: 0, state: RUNNING };
    const [life] = podLives([
      frame(10, "Pod", pod(), "ADDED"),
      frame(20, "Pod", pod({ node: "n" })),
      frame(30, "Pod", pod({ node: "n", container: up })),
      frame(40, "Pod", pod({ node: "n", container: up, isReady: true })),
      frame(50, "Pod", pod({ node: "n", container: up, isReady: true, isDeleting: true })),
      frame(
        60,
        "Pod",
        pod({ node: "n", isDeleting: true, container: { restartCount: 0, state: ended(0) } }),
        "DELETED",
      ),
    ]);
    expect(life).toEqual({
      uid: "p",
      name: "train-w-0-3-abcde",
      job: "train-w-0",
      jobUid: "j",
      index: 3,
      attempt: 1,
      createdMs: 10,
      node: "n",
      scheduledMs: 20,
      runs: [{ fromMs: 30, readyMs: 40, toMs: 60, exitCode: 0 }],
      deletedMs: 50,
      goneMs: 60,
    });
  });

  test("has a run for each start of its container, also where a waiting one has the next start in its count", () => {
    const frames = [
      [10, { restartCount: 0, state: RUNNING }],
      [20, { restartCount: 0, state: WAITING, lastState: ended(3) }],
      [25, { restartCount: 1, state: WAITING, lastState: ended(3) }],
      [30, { restartCount: 1, state: RUNNING, lastState: ended(3) }],
      [40, { restartCount: 1, state: ended(0) }],
    ] as const;
    const [life] = podLives(frames.map(([at, container]) => frame(at, "Pod", pod({ node: "n", container }))));
    expect(life?.runs).toEqual([
      { fromMs: 10, readyMs: undefined, toMs: 20, exitCode: 3 },
      { fromMs: 30, readyMs: undefined, toMs: 40, exitCode: 0 },
    ]);
  });

  test("has a restart that fell between two frames", () => {
    const [life] = podLives([
      frame(10, "Pod", pod({ container: { restartCount: 0, state: RUNNING } })),
      frame(30, "Pod", pod({ container: { restartCount: 1, state: RUNNING } })),
    ]);
    expect(life?.runs.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([[10, 30], [30, undefined]]);
  });
});
