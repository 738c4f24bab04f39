/** Each case twice: sent by one who knows better, which is found, and by one who does not, which is right. */
import { expect, test } from "bun:test";
import type { JsonObject } from "../../../src/base/json.ts";
import { COMPLETED, condition, ended, job, jobSet, TestBench, uidOf } from "./test_bench.ts";
import { JOBS, JOBSETS, TestKnowledge } from "./test_knowledge.ts";

type Scenario = ConstructorParameters<typeof TestBench>[0];

interface Case {
  readonly bench: TestBench;
  readonly knowledge: TestKnowledge;
}

/** A JobSet that the controller knows. */
function known(spec: JsonObject = {}, scenario: Scenario = {}): Case {
  const bench = new TestBench(scenario);
  bench.put("jobsets", jobSet(spec), { user: "user" });
  const knowledge = new TestKnowledge(bench);
  knowledge.learn("js");
  return { bench, knowledge };
}

/** What is found in what `send` sends: once the change is known, and while it is not. */
function found(
  { spec = {}, scenario = {}, before = () => undefined, change, learns = ["js"], send }: {
    readonly spec?: JsonObject;
    readonly scenario?: Scenario;
    readonly before?: (bench: TestBench) => void;
    readonly change: (bench: TestBench) => void;
    readonly learns?: readonly string[];
    readonly send: (knowledge: TestKnowledge) => void;
  },
): readonly (readonly string[])[] {
  return [true, false].map((isKnown) => {
    const { bench, knowledge } = known(spec, scenario);
    before(bench);
    for (const uid of bench.jobUids()) knowledge.learn(uid);
    knowledge.learn("js");
    change(bench);
    if (isKnown) knowledge.learn(...learns);
    bench.forget();
    send(knowledge);
    return bench.details.map((detail) => detail.replace(/^.*, but /, ""));
  });
}

const create = (knowledge: TestKnowledge) => knowledge.create(job("a-0"));

test("a Job created against what is known of its JobSet is found", () => {
  const cases: readonly [(bench: TestBench) => void, string][] = [
    [(bench) => bench.change("js", { metadata: { deletionTimestamp: bench.time() } }, "user"), "is being deleted"],
    [(bench) => bench.change("js", { spec: { managedBy: "example.com/other" } }, "user"), "is another controller's"],
    [(bench) => bench.change("js", { spec: { suspend: true } }, "user"), "has suspend: true"],
    [(bench) => bench.change("js", { status: { restarts: 1 } }, "controller-1"), "is of attempt 0, not 1"],
    [
      (bench) =>
        bench.change("js", { status: { conditions: [COMPLETED], terminalState: "Completed" } }, "controller-1"),
      "is finished",
    ],
    [
      (bench) => bench.change("js", { spec: { replicatedJobs: flavoredJobs("x") } }, "user"),
      "nodeSelector are",
    ],
  ];
  for (const [change, words] of cases) {
    const [knowing, unknowing] = found({ change, send: create });
    expect(knowing?.join()).toContain(words);
    expect(unknowing).toEqual([]);
  }
});

function flavoredJobs(flavor: string): readonly JsonObject[] {
  const template = { spec: { template: { spec: { nodeSelector: { flavor } } } } };
  return [{ name: "a", replicas: 2, template }, { name: "b", replicas: 1, template }];
}

test("a Job created for a JobSet known to be gone, or another one, is found", () => {
  const { bench, knowledge } = known();
  bench.remove("js", "user");
  create(knowledge);
  expect(bench.details).toEqual([]);
  knowledge.miss("jobSets", "js");
  create(knowledge);
  expect(bench.details.join()).toContain("the JobSet is gone");
  const other = known();
  other.knowledge.create(job("a-0", { owner: "older" }));
  expect(other.bench.details.join()).toContain("the JobSet of that name is js, not older");
});

test("a Job created although it is known, or is known to have succeeded, is found", () => {
  const before = (bench: TestBench) => void bench.put("jobs", job("a-1"));
  const change = (bench: TestBench) => void bench.put("jobs", job("a-0"));
  expect(found({ before, change, learns: [uidOf("a-0")], send: create })).toEqual([["js-a-0 is there"], []]);
  for (const isActing of [true, false]) {
    const { bench, knowledge } = known();
    bench.put("jobs", job("a-0"));
    bench.change(uidOf("a-0"), { status: ended("Complete") }, "job-controller");
    knowledge.mayWrite = isActing;
    knowledge.learn(uidOf("a-0"));
    bench.remove(uidOf("a-0"), "user");
    knowledge.miss("jobs", "js-a-0");
    knowledge.mayWrite = true;
    create(knowledge);
    // Whoever does not lead yet remembers nothing: the status may tell.
    expect(bench.violated).toEqual(isActing ? ["knowledge: POST jobs"] : []);
  }
});

test("R07: BlockingRecreate: a Job created beside one of an old attempt is found, if that is known", () => {
  const spec = { failurePolicy: { maxRestarts: 9, restartStrategy: "BlockingRecreate" } };
  const beside = (isKnown: boolean) => {
    const { bench, knowledge } = known(spec);
    bench.put("jobs", job("a-1"));
    bench.change("js", { status: { restarts: 1 } }, "user");
    knowledge.learn("js", ...isKnown ? [uidOf("a-1")] : []);
    knowledge.create(job("a-0", { attempt: 1 }));
    return bench.violated;
  };
  expect(beside(true)).toEqual(["knowledge: POST jobs"]);
  expect(beside(false)).toEqual([]);
});

test("with their gates on, a Job created for another run, or another attempt of its own, is found", () => {
  const tracked = { gates: { ExecutionAttemptsTracking: true } };
  const run = found({
    scenario: tracked,
    before: (bench) => bench.change("js", { status: { executionAttempts: 1 } }, "user"),
    change: (bench) => bench.change("js", { status: { executionAttempts: 2 } }, "user"),
    send: (knowledge) => knowledge.create(job("a-0", { execution: 1 })),
  });
  expect(run).toEqual([["the run is 2, not 1"], []]);
  const entry = { name: "a", ready: 0, succeeded: 0, failed: 0, active: 0, suspended: 0, jobRestarts: [1, 0] };
  const alone = found({
    scenario: { gates: { RestartJob: true } },
    change: (bench) => bench.change("js", { status: { restarts: 0, replicatedJobsStatus: [entry] } }, "user"),
    send: create,
  });
  expect(alone).toEqual([["js-a-0 is of the Job's attempt 0, not 1"], []]);
});

test("dependsOn and InOrder: a Job created before its time is found, and one whose time was", () => {
  const dependent = [
    { name: "a", replicas: 1, template: {} },
    { name: "b", replicas: 1, template: {}, dependsOn: [{ name: "a", status: "Ready" }] },
  ];
  const specs = [
    { replicatedJobs: dependent },
    {
      replicatedJobs: dependent.map(({ name }) => ({ name, replicas: 1, template: {} })),
      startupPolicy: { startupPolicyOrder: "InOrder" },
    },
  ];
  for (const spec of specs) {
    const { bench, knowledge } = known(spec);
    bench.put("jobs", job("a-0"));
    bench.change(uidOf("a-0"), { status: { ready: 1 } }, "job-controller");
    // It is ready, and nobody has told.
    knowledge.create(job("b-0"));
    expect(bench.violated).toEqual(["knowledge: POST jobs"]);
    bench.forget();
    knowledge.learn(uidOf("a-0"));
    bench.change(uidOf("a-0"), { status: { ready: 0 } }, "job-controller");
    knowledge.learn(uidOf("a-0"));
    // What was waited for has come to pass.
    knowledge.create(job("b-0"));
    expect(bench.details).toEqual([]);
  }
});

test("dependsOn: a Job that is said to have succeeded counts, though it is gone", () => {
  const replicatedJobs = [
    { name: "a", replicas: 1, template: {} },
    { name: "b", replicas: 1, template: {}, dependsOn: [{ name: "a", status: "Complete" }] },
  ];
  const { bench, knowledge } = known({ replicatedJobs });
  bench.status("js", {
    replicatedJobsStatus: [{ name: "a", ready: 0, succeeded: 1, failed: 0, active: 0, suspended: 0 }],
  }, "user");
  knowledge.learn("js");
  knowledge.create(job("b-0"));
  expect(bench.details).toEqual([]);
});

const twoJobs = (bench: TestBench) => {
  for (const place of ["a-0", "a-1"]) bench.put("jobs", job(place));
};

test("the delete of a Job of the current attempt, by an old decision, or not as it is, is found", () => {
  const { bench, knowledge } = known();
  twoJobs(bench);
  knowledge.learn(uidOf("a-0"));
  knowledge.deleteJob("js-a-0", { uid: uidOf("a-0") });
  expect(bench.details.join()).toContain("the Job is of the current attempt");
  for (
    const [preconditions, words] of [[{}, "does not say which"], [{ uid: "older" }, "the Job of that name is"]] as const
  ) {
    bench.forget();
    knowledge.deleteJob("js-a-0", preconditions);
    expect(bench.details.join()).toContain(words);
  }
  bench.forget();
  knowledge.deleteJob("js-a-1", { uid: uidOf("a-1") });
  expect(bench.details.join()).toContain("the Job is gone");
  bench.change("js", { status: { restarts: 1 } }, "user");
  knowledge.learn("js");
  bench.forget();
  knowledge.deleteJob("js-a-0", { uid: uidOf("a-0") });
  expect(bench.details).toEqual([]);
  knowledge.send("DELETE", `${JOBS}/js-a-0`, { propagationPolicy: "Background", preconditions: { uid: uidOf("a-0") } });
  expect(bench.details.join()).toContain("its Pods would outlive it");
});

test("a Job deleted after the end although it is known to have ended is found", () => {
  const verdict = found({
    before: (bench) => {
      twoJobs(bench);
      bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" }, "user");
    },
    change: (bench) => bench.change(uidOf("a-1"), { status: ended("FailureTarget") }, "job-controller"),
    learns: [uidOf("a-1")],
    send: (knowledge) => knowledge.deleteJob("js-a-1", { uid: uidOf("a-1") }),
  });
  expect(verdict).toEqual([["the Job is failing"], []]);
});

test("a Job suspended or resumed against what is known is found", () => {
  const suspend = (knowledge: TestKnowledge) => {
    knowledge.send("PATCH", `${JOBS}/js-a-0`, { metadata: { uid: uidOf("a-0") }, spec: { suspend: true } });
  };
  const resume = (knowledge: TestKnowledge) => {
    const ops = [{ op: "test", path: "/metadata/uid", value: uidOf("a-0") }, {
      op: "add",
      path: "/spec/suspend",
      value: false,
    }];
    knowledge.send("PATCH", `${JOBS}/js-a-0`, ops);
  };
  const suspended = (bench: TestBench) => {
    bench.put("jobs", job("a-0", { suspend: true }));
  };
  const set = (spec: JsonObject) => (bench: TestBench) => bench.change("js", { spec }, "user");
  const finish = (bench: TestBench) =>
    bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" }, "user");
  const end = (bench: TestBench) => bench.change(uidOf("a-0"), { status: ended("Failed") }, "job-controller");
  const say = [uidOf("a-0")];
  expect(found({ spec: { suspend: true }, before: twoJobs, change: set({ suspend: false }), send: suspend })).toEqual([[
    "the JobSet is not suspended",
  ], []]);
  expect(found({ spec: { suspend: true }, before: twoJobs, change: finish, send: suspend })).toEqual([[
    "the JobSet is finished",
  ], []]);
  expect(found({ spec: { suspend: true }, before: twoJobs, change: end, learns: say, send: suspend })).toEqual([[
    "the Job is failed",
  ], []]);
  expect(found({ before: suspended, change: set({ suspend: true }), send: resume })).toEqual([[
    "the JobSet is suspended",
  ], []]);
  expect(found({ before: suspended, change: end, learns: say, send: resume })).toEqual([["the Job is failed"], []]);
});

test("R34: a Job resumed with a template that is known to be an old one is found", () => {
  const ops = [
    { op: "test", path: "/metadata/uid", value: uidOf("a-0") },
    { op: "add", path: "/spec/template/spec/nodeSelector", value: { flavor: "old" } },
  ];
  const verdict = found({
    spec: { replicatedJobs: flavoredJobs("old") },
    before: (bench) => void bench.put("jobs", job("a-0", { suspend: true })),
    change: (bench) => bench.change("js", { spec: { replicatedJobs: flavoredJobs("new") } }, "user"),
    send: (knowledge) => knowledge.send("PATCH", `${JOBS}/js-a-0`, ops),
  });
  expect(verdict).toEqual([["the JobSet's nodeSelector are flavor=new, not flavor=old"], []]);
});

test("a Job scaled to a size that is known to be an old one is found", () => {
  const sized = (size: number) => ({
    replicatedJobs: [{ name: "a", replicas: 2, template: { spec: { parallelism: size, completions: size } } }],
  });
  const verdict = found({
    spec: sized(2),
    before: twoJobs,
    change: (bench) => bench.change("js", { spec: sized(3) }, "user"),
    send: (knowledge) => {
      knowledge.send("PATCH", `${JOBS}/js-a-0`, {
        metadata: { uid: uidOf("a-0") },
        spec: { parallelism: 2, completions: 2 },
      });
    },
  });
  expect(verdict).toEqual([["the JobSet asks for 3, not 2"], []]);
});

test("a status decided on an older version than is known, or on another JobSet, is found", () => {
  const { bench, knowledge } = known();
  const send = (uid: string, resourceVersion: string) => {
    bench.forget();
    knowledge.send("PATCH", `${JOBSETS}/js/status`, { metadata: { uid, resourceVersion }, status: {} });
    return bench.violated;
  };
  expect(send("js", "1")).toEqual([]);
  bench.change("js", { metadata: { labels: { a: "b" } } }, "user");
  expect(send("js", "1")).toEqual([]);
  knowledge.learn("js");
  expect(send("js", "1")).toEqual(["knowledge: PATCH jobsets"]);
  expect(send("older", "2")).toEqual(["knowledge: PATCH jobsets"]);
  expect(send("js", "2")).toEqual([]);
  knowledge.send("PATCH", `${JOBSETS}/js`, { metadata: { uid: "js", resourceVersion: "2" }, spec: {} });
  expect(bench.violated).toEqual(["knowledge: PATCH jobsets"]);
});

test("Suspended while a Job is known to run is found", () => {
  const conditions = [condition("Suspended", "True", "SuspendedJobs: jobset is suspended")];
  const verdict = found({
    spec: { suspend: true },
    before: (bench) => bench.put("jobs", job("a-0", { suspend: true })),
    change: (bench) => bench.change(uidOf("a-0"), { spec: { suspend: false } }, "user"),
    learns: [uidOf("a-0")],
    send: (knowledge) => {
      const metadata = { uid: "js", resourceVersion: "1" };
      knowledge.send("PATCH", `${JOBSETS}/js/status`, { metadata, status: { conditions } });
    },
  });
  expect(verdict).toEqual([["it knows that js-a-0 runs"], []]);
});

test("a JobSet deleted before its end, by the sender's own clock, is found", () => {
  const { bench, knowledge } = known({ ttlSecondsAfterFinished: 10 });
  const send = () => {
    bench.forget();
    knowledge.send("DELETE", `${JOBSETS}/js`, { preconditions: { uid: "js" } });
    return bench.details.map((detail) => detail.replace(/^.*, but /, ""));
  };
  expect(send()).toEqual(["the JobSet is not finished"]);
  bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" }, "user");
  knowledge.learn("js");
  bench.pass(9_000);
  expect(send()).toEqual(["the JobSet has 1000 ms to live"]);
  bench.pass(1_000);
  expect(send()).toEqual([]);
  bench.change("js", { spec: { ttlSecondsAfterFinished: 20 } }, "user");
  knowledge.learn("js");
  expect(send()).toEqual(["the JobSet has 10000 ms to live"]);
});

test("a Service or a claim made for nobody, or twice, is found", () => {
  const labels = { "jobset.sigs.k8s.io/jobset-name": "js" };
  const service = { metadata: { name: "js", labels, ownerReferences: [{ uid: "js" }] } };
  const make = (knowledge: TestKnowledge) => knowledge.send("POST", "/api/v1/namespaces/ns/services", service);
  const claim = { metadata: { name: "data-js", labels } };
  const finish = (bench: TestBench) =>
    bench.status("js", { conditions: [COMPLETED], terminalState: "Completed" }, "user");
  expect(found({ change: finish, send: make })).toEqual([["the JobSet is finished"], []]);
  expect(found({
    change: (bench) => bench.change("js", { metadata: { deletionTimestamp: bench.time() } }, "user"),
    send: (knowledge) => knowledge.send("POST", "/api/v1/namespaces/ns/persistentvolumeclaims", claim),
  })).toEqual([["the JobSet is being deleted"], []]);
  const stored = { metadata: { name: "js", namespace: "ns", uid: "service" }, spec: { clusterIP: "None" } };
  expect(found({
    change: (bench) => void bench.put("services", stored),
    learns: ["service"],
    send: make,
  })).toEqual([["the Service is there"], []]);
});

test("whatever is sent by one who does not lead is found, but for the lease", () => {
  const { bench, knowledge } = known();
  knowledge.mayWrite = false;
  knowledge.send("PUT", "/apis/coordination.k8s.io/v1/namespaces/jobset-system/leases/l", {});
  expect(bench.violated).toEqual([]);
  create(knowledge);
  expect(bench.violated).toEqual(["writes of the leader"]);
});

test("writes to Pods and Nodes are found", () => {
  const { bench, knowledge } = known();
  knowledge.send("DELETE", "/api/v1/namespaces/ns/pods/p", {});
  expect(bench.violated).toEqual(["knowledge: DELETE pods"]);
});
