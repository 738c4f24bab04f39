/**
 * Over an installation in the reference controller's form, made by hand with JobSets that run (spec 6.5, I1 to I4): ours is
 * installed and started, and nothing of theirs changes; from there on they complete, restart and resume under us.
 */
import { expect, test } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { attemptOf, Cluster, conditionOf, conditionsOf, nameOf, type Resource, restartsOf, uidOf } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { inEmptyCluster } from "./empty_cluster.ts";
import type { Environment } from "./environment.ts";
import { configFile } from "./installation.ts";
import { FATE, group, jobSet } from "./job_sets.ts";
import {
  type Age,
  referenceLease,
  referenceManifest,
  referenceSecret,
  webhookNames,
} from "./reference_installation.ts";
import { makeAsReference, type Workload } from "./reference_workloads.ts";
import { expectNoWrites } from "./writes.ts";

const TEST_TIMEOUT_MS = 5 * 60_000;
const REST_MS = 5_000;
const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jobsets.jobset.x-k8s.io";
const DEPLOYMENT = "/apis/apps/v1/namespaces/jobset-system/deployments/jobset-controller-manager";
const SECRET = "/api/v1/namespaces/jobset-system/secrets/jobset-webhook-server-cert";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/jobset-system/leases";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const CONFIGURATIONS = [
  `${ADMISSION}/mutatingwebhookconfigurations/jobset-mutating-webhook-configuration`,
  `${ADMISSION}/validatingwebhookconfigurations/jobset-validating-webhook-configuration`,
];

const isReady = (job: JsonObject) => at(job, "status", "ready") === 1;
const hasCondition = (type: string) => (job: JsonObject) => conditionOf(job, type)?.status === "True";
const now = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");

function condition(type: string, status: string, reason: string, message: string): JsonObject {
  return { type, status, reason, message, lastTransitionTime: now() };
}

/** One JobSet in each situation, not all of them written alike. */
function workloads(): readonly Workload[] {
  const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  const mount = { volumeMounts: [{ name: "scratch", mountPath: "/scratch" }] };
  return [
    {
      name: "running",
      groups: [group("worker", { replicas: 2 }), group("driver", { extra: { groupName: "drivers" } })],
      spec: { coordinator: { replicatedJob: "driver" } },
      isSettled: isReady,
    },
    {
      name: "suspended",
      groups: [group("b", { replicas: 2 }), group("a")],
      spec: { suspend: true },
      isSettled: hasCondition("Suspended"),
      status: { conditions: [condition("Suspended", "True", "SuspendedJobs", "jobset is suspended")] },
    },
    {
      name: "restarted",
      groups: [group("a", { replicas: 2 })],
      spec: { failurePolicy: { maxRestarts: 3, restartStrategy: "Recreate" } },
      restarts: 2,
      isSettled: isReady,
      status: { conditions: [condition("RestartingJobSet", "False", "JobsReady", "all jobs are ready")] },
    },
    {
      name: "finished",
      groups: [group("a", { fate: { "succeed-after": "0s" } })],
      spec: { ttlSecondsAfterFinished: 3600 },
      isSettled: hasCondition("Complete"),
      status: {
        terminalState: "Completed",
        conditions: [condition("Completed", "True", "AllJobsCompleted", "jobset completed successfully")],
      },
    },
    {
      name: "failed",
      groups: [group("a", { fate: { "fail-after": "0s" } })],
      isSettled: hasCondition("Failed"),
      status: {
        terminalState: "Failed",
        conditions: [
          condition(
            "Failed",
            "True",
            "FailedJobs",
            "jobset failed due to one or more job failures (first failed job: failed-a-0)",
          ),
        ],
      },
    },
    {
      // Nobody provides volumes here: its Pod stays Pending.
      name: "volumes",
      groups: [group("a", { container: mount })],
      spec: {
        volumeClaimPolicies: [{
          templates: [{ metadata: { name: "scratch" }, spec: claim }],
          retentionPolicy: { whenDeleted: "Delete" },
        }],
      },
      isSettled: (job) => at(job, "status", "active") === 1,
    },
    {
      name: "waiting",
      groups: [group("first"), group("second", { dependsOn: [{ name: "first", status: "Complete" }] })],
      started: ["first"],
      isSettled: isReady,
      status: { restarts: 0 },
    },
    {
      name: "ordered",
      groups: [group("one"), group("two")],
      spec: { startupPolicy: { startupPolicyOrder: "InOrder" } },
      isSettled: isReady,
      status: {
        conditions: [
          condition(
            "StartupPolicyInProgress",
            "False",
            "InOrderStartupPolicyInProgress",
            "in order startup policy is in progress",
          ),
          condition(
            "StartupPolicyCompleted",
            "True",
            "InOrderStartupPolicyCompleted",
            "in order startup policy has completed",
          ),
        ],
      },
    },
  ];
}

/** Every object's uid, generation and resourceVersion. */
async function snapshot(cluster: Cluster): Promise<readonly string[]> {
  const kinds: readonly Resource[] = ["jobsets", "jobs", "services", "pvcs"];
  const lists = await Promise.all(kinds.map((kind) => cluster.list(kind)));
  return lists.flatMap((list, index) =>
    list.map((object) => {
      const { generation, resourceVersion } = Object(object["metadata"]);
      return `${kinds[index]}/${nameOf(object)} ${uidOf(object)} generation ${generation} version ${resourceVersion}`;
    })
  ).toSorted();
}

/** The workloads as they will stay: nobody writes them any more. */
async function settled(cluster: Cluster): Promise<readonly string[]> {
  let before: readonly string[] = [];
  let since = performance.now();
  await cluster.eventually("all to rest", async () => {
    const seen = await snapshot(cluster);
    if (seen.join() !== before.join()) since = performance.now();
    before = seen;
    return performance.now() - since > 3_000;
  }, 60_000);
  return before;
}

/** No Pod has a network here: what the Service would reach is called by URL. */
async function callByUrl(environment: Environment): Promise<void> {
  for (const path of CONFIGURATIONS) {
    const webhooks = asArray((await environment.api.get(path))["webhooks"]);
    const patch = webhooks.map((webhook, index) => {
      const route = asString(at(webhook, "clientConfig", "service", "path")) ?? "";
      const url = `https://127.0.0.1:${environment.description.webhookPort}${route}`;
      return { op: "replace", path: `/webhooks/${index}/clientConfig`, value: { url } };
    });
    await environment.api.patch(path, patch, "json");
  }
}

async function startOurs(environment: Environment): Promise<Controller> {
  const config = await configFile(environment, { webhooks: environment.description.webhookPort });
  const flags = [`--config=${config}`];
  const controller = new Controller(environment, await environment.controllerKubeconfig(), { flags });
  await controller.start();
  await waitFor("it to lead", {
    timeoutMs: 40_000,
    check: () => controller.logLines("became the leader").length === 1,
    describe: () => controller.logTail(),
  });
  return controller;
}

/** Lets the Pods of a Job, or of a JobSet, come to this end now. */
async function end(
  cluster: Cluster,
  jobSetName: string,
  fate: "succeed-after" | "fail-after",
  job = "",
): Promise<void> {
  const pods = (await cluster.pods(jobSetName)).filter((pod) => nameOf(pod).startsWith(job));
  expect(pods.length).toBeGreaterThan(0);
  for (const pod of pods) {
    await cluster.patch("pods", nameOf(pod), { metadata: { annotations: { [FATE + fate]: "0s" } } });
  }
}

/** What was in the middle of something goes on with it. */
async function goOn(cluster: Cluster): Promise<void> {
  const uids = async (name: string) => (await cluster.jobs(name)).map(uidOf);

  const running = await uids("running");
  await end(cluster, "running", "succeed-after");
  await cluster.terminal("running", "Completed");
  expect(await uids("running")).toEqual(running);

  const suspended = await uids("suspended");
  await cluster.patch("jobsets", "suspended", { spec: { suspend: false } });
  await cluster.condition("suspended", "Suspended", "False");
  await cluster.eventually("all of it to run", async () => (await cluster.jobs("suspended")).every(isReady));
  expect(await uids("suspended")).toEqual(suspended);

  const second = await uids("restarted");
  await end(cluster, "restarted", "fail-after", "restarted-a-1");
  const third = await cluster.jobCount("restarted", 2, 3);
  expect(third.map(attemptOf)).toEqual([3, 3]);
  expect(third.map(uidOf).filter((uid) => second.includes(uid))).toEqual([]);
  expect(restartsOf(await cluster.jobSet("restarted"))).toBe(3);
  await cluster.eventually("its Pods to run", async () => (await cluster.jobs("restarted")).every(isReady));
  await end(cluster, "restarted", "fail-after", "restarted-a-0");
  const failed = await cluster.terminal("restarted", "Failed");
  expect(conditionOf(failed, "Failed")?.reason).toBe("ReachedMaxRestarts");

  const [first] = await uids("waiting");
  await end(cluster, "waiting", "succeed-after");
  await cluster.jobCount("waiting", 2);
  expect(await uids("waiting")).toContain(first ?? "");
  await cluster.eventually("it to run", async () => (await cluster.pods("waiting")).length === 2);
  await cluster.eventually(
    "the second to be ready",
    async () => isReady(await cluster.get("jobs", "waiting-second-0")),
  );
  await end(cluster, "waiting", "succeed-after", "waiting-second");
  await cluster.terminal("waiting", "Completed");

  await end(cluster, "ordered", "succeed-after");
  const ordered = await cluster.terminal("ordered", "Completed");
  expect(conditionsOf(ordered).filter(({ type }) => type.startsWith("StartupPolicy"))).toHaveLength(2);

  await cluster.patch("jobsets", "finished", { spec: { ttlSecondsAfterFinished: 0 } });
  await cluster.delete("jobsets", "volumes");
  await cluster.eventually("both to go", async () => {
    const left = await Promise.all(["finished", "volumes"].map((name) => cluster.find("jobsets", name)));
    return left.every((found) => found === undefined) && (await cluster.list("pvcs")).length === 0;
  }, 60_000); // the garbage collector looks for new kinds every 30 s
  expect(conditionOf(await cluster.jobSet("failed"), "Failed")?.message).toContain("failed-a-0");
}

interface Way {
  readonly what: string;
  readonly age: Age;
  /** How the other was installed, in words of kubectl. */
  readonly theirs: readonly string[];
  readonly ours: (environment: Environment) => Promise<void>;
  /** Whether the other ended as it should, or its lease has to run out. */
  readonly isLeaseHeld: boolean;
  readonly isDeploymentKept: boolean;
}

function applied(...flags: readonly string[]): (environment: Environment) => Promise<void> {
  return async (environment) => {
    const printed = Bun.spawnSync([environment.description.binary, "manifests"]).stdout.toString();
    await environment.mustKubectl(["apply", ...flags, "-f", "-"], printed);
  };
}

async function installed({ description: { binary, kubeconfig } }: Environment): Promise<void> {
  const child = Bun.spawn([binary, "install", `--kubeconfig=${kubeconfig}`], { stdout: "pipe", stderr: "pipe" });
  const [out, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`jobset install: ${error}\n${out}`);
}

const WAYS: readonly Way[] = [
  {
    what: "kubectl apply over kubectl apply, its lease still held",
    age: "current",
    theirs: ["apply"],
    ours: applied(),
    isLeaseHeld: true,
    isDeploymentKept: true,
  },
  {
    what: "kubectl apply --server-side over the same",
    age: "current",
    theirs: ["apply", "--server-side"],
    ours: applied("--server-side"),
    isLeaseHeld: false,
    isDeploymentKept: true,
  },
  {
    what: "jobset install over an older one with another selector and a sidecar",
    age: "older",
    theirs: ["apply"],
    ours: installed,
    isLeaseHeld: false,
    isDeploymentKept: false,
  },
  {
    what: "jobset install over kubectl create",
    age: "current",
    theirs: ["create"],
    ours: installed,
    isLeaseHeld: false,
    isDeploymentKept: true,
  },
];

for (const way of WAYS) {
  test(`${way.what}: no Job recreated, no JobSet changed, and all go on (I1 to I4)`, async () => {
    await inEmptyCluster(async (environment) => {
      const { api, description } = environment;
      const theirs = referenceManifest(description.binary, way.age).map((object) => JSON.stringify(object));
      const [crds, others] = [theirs.filter(isCrd), theirs.filter((text) => !isCrd(text))];
      await environment.mustKubectl([...way.theirs, "-f", "-"], crds.join("\n"));
      await waitFor("the CRD to be served", { timeoutMs: 30_000, check: () => isServed(environment) });
      const cluster = await Cluster.create(environment);
      await Promise.all(workloads().map((workload) => makeAsReference(cluster, workload)));
      await environment.mustKubectl([...way.theirs, "-f", "-"], others.join("\n---\n"));
      await api.patch(SECRET, { data: await referenceSecret() });
      await api.create(LEASES, referenceLease(way.isLeaseHeld ? "jobset-controller-manager-0_x" : "", 1_000));
      const before = await settled(cluster);
      const uids = await Promise.all([CRD, DEPLOYMENT, SECRET].map(async (path) => uidOf(await api.get(path))));
      const ca = at(await api.get(SECRET), "data", "ca.crt");

      await way.ours(environment);
      await callByUrl(environment);
      const called = await Promise.all(CONFIGURATIONS.map(async (path) => webhookNames(await api.get(path))));
      expect(called).toEqual([
        ["mjobset.kb.io", "mpod.kb.io is-not-placed-by-node-selector is-exclusive-or-lacks-its-priority"],
        ["vjobset.kb.io", "vpod.kb.io is-follower-without-domain"],
      ]);
      const position = environment.auditPosition();
      const controller = await startOurs(environment);
      try {
        await expectNoWrites(cluster, { position, forMs: REST_MS });
        expect(await snapshot(cluster)).toEqual(before);
        const [crd, deployment, secret] = await Promise.all(
          [CRD, DEPLOYMENT, SECRET].map(async (path) => uidOf(await api.get(path))),
        );
        expect([crd, secret]).toEqual([uids[0] ?? "", uids[2] ?? ""]);
        expect(JSON.stringify(await api.get(CRD))).toContain('"executionAttempts"');
        expect(deployment === uids[1]).toBe(way.isDeploymentKept);
        // The CA that others trust by now stays; only the server's certificate is for another name.
        expect(at(await api.get(SECRET), "data", "ca.crt")).toBe(ca);
        expect(at(await api.get(LEASES).then(({ items }) => asArray(items)[0]), "spec", "leaseTransitions")).toBe(4);
        const refused = await api.request("POST", `${cluster.path("jobsets")}?dryRun=All`, jobSet("x.y", [group("a")]));
        expect(refused.code).toBe(422);
        await goOn(cluster);
        expect(controller.logLines("").filter((line) => / ERROR |^error:|^panic/.test(line))).toEqual([]);
      } catch (error) {
        console.error(`the controller's log ends:\n${controller.logTail()}`);
        throw error;
      } finally {
        await controller.dispose();
      }
    });
  }, TEST_TIMEOUT_MS);
}

function isCrd(text: string): boolean {
  return text.includes('"kind":"CustomResourceDefinition"');
}

async function isServed({ api }: Environment): Promise<boolean> {
  return (await api.request("GET", "/apis/jobset.x-k8s.io/v1alpha2/jobsets")).code === 200;
}
