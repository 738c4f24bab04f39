import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/base/json.ts";
import { checkPlacement, undueDeletions } from "./placement_checker.ts";
import type { Frame } from "./placement_frames.ts";

const KEY = "example.com/zone";
const RULES = { topologyKey: KEY, mostMs: 2000 };

interface PodOptions {
  readonly job?: string;
  readonly index?: number;
  readonly node?: string;
  readonly pin?: string;
  readonly priority?: string;
  readonly isPlain?: boolean;
  readonly isMarked?: boolean;
  readonly isDeleting?: boolean;
}

/** A record in the making: each line is one frame, its time in seconds. */
class Record {
  readonly frames: Frame[] = [];
  #version = 0;

  node(atS: number, name: string, zone: string, type = "ADDED"): this {
    return this.#add(atS, "node", type, { metadata: { name, labels: { [KEY]: zone } } });
  }

  pod(atS: number, name: string, options: PodOptions, type = "MODIFIED"): this {
    const { job = "j", index = 1, node, pin, priority = "0" } = options;
    const reason = "ExclusivePlacementViolation";
    const condition = { type: "DisruptionTarget", status: "True", reason };
    return this.#add(atS, "pod", type, {
      metadata: {
        namespace: "n",
        name,
        uid: name,
        labels: {
          "jobset.sigs.k8s.io/jobset-name": "js",
          "jobset.sigs.k8s.io/job-key": job,
          "jobset.sigs.k8s.io/priority": priority,
        },
        annotations: {
          "batch.kubernetes.io/job-completion-index": String(index),
          ...(options.isPlain === true ? {} : { "alpha.jobset.sigs.k8s.io/exclusive-topology": KEY }),
        },
        ownerReferences: [{ uid: job }],
        ...(options.isDeleting === true ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
      },
      spec: { nodeName: node, nodeSelector: pin === undefined ? {} : { [KEY]: pin } },
      status: { phase: "Running", conditions: options.isMarked === true ? [condition] : [] },
    });
  }

  #add(atS: number, kind: "pod" | "node", type: string, object: JsonObject): this {
    const metadata = Object(object["metadata"]);
    const versioned = { ...object, metadata: { ...metadata, resourceVersion: String(++this.#version) } };
    this.frames.push({ atMs: atS * 1000, kind, type, object: versioned });
    return this;
  }
}

/** Two zones, and a Job whose leader and one follower are in the first. */
function settled(): Record {
  return new Record().node(0, "a1", "a").node(0, "a2", "a").node(0, "b1", "b")
    .pod(1, "lead", { index: 0, node: "a1" }).pod(2, "follow", { node: "a2", pin: "a" });
}

const check = (record: Record) => checkPlacement(record.frames, RULES);

test("a Job in one domain is right, whatever other Jobs do elsewhere or at another priority", () => {
  expect(check(settled())).toEqual([]);
  const others = settled().pod(3, "x", { job: "k", index: 0, node: "b1" })
    .pod(3, "y", { job: "l", index: 0, node: "a1", priority: "9" });
  expect(check(others)).toEqual([]);
});

test("a follower in a wrong domain is found if it stays there for longer than allowed", () => {
  const moved = (untilS: number) =>
    settled().pod(3, "lead", { index: 0, node: "a1" }, "DELETED").pod(10, "lead2", { index: 0, node: "b1" })
      .pod(untilS, "follow", { node: "a2", pin: "a", isDeleting: true });
  expect(check(moved(11.9))).toEqual([]);
  expect(check(moved(12.1))).toEqual(["n/follow belongs to a, its leader is in b: for 2.1 s"]);
});

test("what is wrong at the end is found however short it was", () => {
  expect(check(settled().pod(3, "late", { node: "b1", pin: "a" }))).toEqual([
    "n/late belongs to b, its leader is in a: at the end",
    "Job j is in a and b: at the end",
  ]);
  expect(check(settled().pod(3, "loose", {}))).toEqual([
    "n/loose belongs to nothing, its leader is in a: at the end",
  ]);
});

test("nothing is wrong while the leader's Node is gone", () => {
  const gone = settled().node(3, "a1", "a", "DELETED").pod(4, "loose", {}).pod(20, "loose", {}, "DELETED");
  expect(check(gone)).toEqual([]);
});

test("two Jobs of one priority in one domain are found, one of them exclusive", () => {
  const shared = settled().pod(3, "x", { job: "k", index: 0, node: "a1", isPlain: true });
  expect(check(shared)).toEqual(['a at priority "0" is shared by Jobs j and k: at the end']);
  const plain = new Record().node(0, "a1", "a").pod(1, "x", { job: "j", node: "a1", isPlain: true })
    .pod(1, "y", { job: "k", node: "a1", isPlain: true });
  expect(check(plain)).toEqual([]);
});

test("a Pod that was marked though it was no violating follower is found", () => {
  const right = settled().pod(3, "follow", { node: "a2", pin: "a", isMarked: true });
  expect(check(right)).toEqual(["n/follow was marked as a violating follower, which it was not"]);
  const lead = settled().pod(3, "lead", { index: 0, node: "a1", isMarked: true });
  expect(check(lead)).toEqual(["n/lead was marked as a violating follower, which it was not"]);
  const due = settled().pod(3, "loose", {}).pod(3, "loose", { isMarked: true })
    .pod(3, "loose", { isMarked: true, isDeleting: true });
  expect(check(due)).toEqual([]);
});

test("frames count in the order of their versions, not of their coming", () => {
  const { frames } = settled();
  expect(checkPlacement(frames.toReversed(), RULES)).toEqual([]);
});

test("a deletion by the controller is due only for a Pod that it marked", () => {
  const { frames } = settled().pod(3, "loose", { isMarked: true });
  expect(undueDeletions(frames, ["n/loose"])).toEqual([]);
  expect(undueDeletions(frames, ["n/loose", "n/follow"])).toEqual(["n/follow"]);
});
