/** The agent (spec 5.2) on a real API server, with the permissions of the examples and nothing beyond. The tests play the controller. */
import { afterAll, expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { Api } from "../../scripts/control_plane/api.ts";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { AgentNode, applyExample, attemptWritten, createPod, restartCounts } from "./agent_pods.ts";
import { type Cluster, nameOf, uidOf } from "./cluster.ts";
import type { Environment } from "./environment.ts";
import { soloSuite } from "./suite.ts";

const e2e = soloSuite();
const MAIN = "in-place-restart-main";
const SIDECAR = "in-place-restart-sidecar";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const ROLE = "in-place-restart-agent";
const ANNOTATION = "jobset.sigs.k8s.io/in-place-restart-attempt";

let started: Promise<AgentNode> | undefined;

function agentNode(environment: Environment): Promise<AgentNode> {
  started ??= AgentNode.start(environment);
  return started;
}

afterAll(async () => await (await started)?.stop());

/** A worker that says in its folder how often it was started. */
const WORKER = "echo started >> starts; exec sleep 600";

function startsOf(node: AgentNode, pod: JsonObject): number {
  const file = node.fileOf(pod, "worker", "starts");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
}

function setAttempts(cluster: Cluster, jobSet: string, previous: number | null, current: number | null) {
  const status = { previousInPlaceRestartAttempt: previous, currentInPlaceRestartAttempt: current };
  return cluster.patchStatus("jobsets", jobSet, status);
}

/** The fields of the Pod that the agent's field manager owns. */
function ownedByAgent(pod: JsonObject): unknown {
  const entries = asArray(at(pod, "metadata", "managedFields"));
  return at(entries.find((entry) => at(entry, "manager") === "in-place-restart-agent"), "fieldsV1");
}

e2e.testWithoutWebhooks("around the main command: barrier, restart in place, the next attempt", async (cluster) => {
  const node = await agentNode(cluster.environment);
  await applyExample(cluster, `${MAIN}.yaml`);
  const pod = await createPod(cluster, node, { jobSet: MAIN, pod: "worker-0", env: { WORKER_COMMAND: WORKER } });
  await attemptWritten(cluster, pod, 0);
  expect(ownedByAgent(await cluster.get("pods", "worker-0"))).toEqual({
    "f:metadata": { "f:annotations": { [`f:${ANNOTATION}`]: {} } },
  });
  expect(startsOf(node, pod)).toBe(0);
  await setAttempts(cluster, MAIN, null, 0);
  await cluster.eventually("the worker to start", () => Promise.resolve(startsOf(node, pod) === 1));
  await setAttempts(cluster, MAIN, 0, 0);
  await attemptWritten(cluster, pod, 1);
  expect(startsOf(node, pod)).toBe(1);
  await setAttempts(cluster, MAIN, 0, 1);
  await cluster.eventually("the worker to start again", () => Promise.resolve(startsOf(node, pod) === 2));
  expect(await restartCounts(cluster, pod)).toEqual({ worker: 1 });
  expect(uidOf(await cluster.get("pods", "worker-0"))).toBe(uidOf(pod));
});

e2e.testWithoutWebhooks(
  "as a sidecar: the worker starts behind the barrier, and restarts with its agent",
  async (cluster) => {
    const node = await agentNode(cluster.environment);
    await applyExample(cluster, `${SIDECAR}.yaml`);
    const pod = await createPod(cluster, node, { jobSet: SIDECAR, pod: "worker-0" });
    await attemptWritten(cluster, pod, 0);
    const worker = async (name = "worker-0") => {
      const { status } = await cluster.get("pods", name);
      return asArray(at(status, "containerStatuses"))[0];
    };
    expect(at(await worker(), "state", "waiting")).toBeDefined();
    await setAttempts(cluster, SIDECAR, null, 0);
    await cluster.eventually("the worker to run", async () => at(await worker(), "state", "running") !== undefined);
    await setAttempts(cluster, SIDECAR, 0, 0);
    await attemptWritten(cluster, pod, 1);
    await cluster.eventually("both to have restarted", async () => {
      const counts = await restartCounts(cluster, pod);
      return counts["agent"] === 1 && counts["worker"] === 1;
    });
    const { status } = await cluster.get("pods", "worker-0");
    const [agent] = asArray(at(status, "initContainerStatuses"));
    expect(at(agent, "lastState", "terminated", "exitCode")).toBe(88);
    expect(at(await worker(), "state", "waiting")).toBeDefined();
    await setAttempts(cluster, SIDECAR, 0, 1);
    await cluster.eventually(
      "the worker to run again",
      async () => at(await worker(), "state", "running") !== undefined,
    );
  },
);

e2e.testWithoutWebhooks("it takes 40 MB at most beside its worker", async (cluster) => {
  const node = await agentNode(cluster.environment);
  await applyExample(cluster, `${MAIN}.yaml`);
  const env = { WORKER_COMMAND: "echo $PPID > agent; exec sleep 600" };
  const pod = await createPod(cluster, node, { jobSet: MAIN, pod: "worker-0", env });
  await attemptWritten(cluster, pod, 0);
  await setAttempts(cluster, MAIN, null, 0);
  const file = node.fileOf(pod, "worker", "agent");
  await cluster.eventually("the worker to start", () => {
    return Promise.resolve(existsSync(file) && readFileSync(file, "utf8").endsWith("\n"));
  });
  const status = readFileSync(`/proc/${readFileSync(file, "utf8").trim()}/status`, "utf8");
  expect(status).toContain("Name:\tjobset\n");
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  expect(Number(kilobytes)).toBeLessThanOrEqual(40_000);
});

for (const [verb, resource] of [["watch", "jobsets"], ["patch", "pods"]] as const) {
  e2e.testWithoutWebhooks(
    `without ${verb} on ${resource} it says so once, and goes on once it may`,
    async (cluster) => {
      const node = await agentNode(cluster.environment);
      await applyExample(cluster, `${MAIN}.yaml`);
      const path = `${RBAC}/namespaces/${cluster.namespace}/roles/${ROLE}`;
      const { rules } = await cluster.api.get(path);
      const without = asArray(rules).map((rule) => {
        const verbs = asArray(at(rule, "verbs")).filter((each) => each !== verb);
        return asArray(at(rule, "resources")).includes(resource) ? { ...asObject(rule), verbs } : rule;
      });
      await cluster.api.patch(path, { rules: without.filter((rule) => asArray(at(rule, "verbs")).length > 0) });
      await createPod(cluster, node, { jobSet: MAIN, pod: "worker-0", env: { WORKER_COMMAND: WORKER } });
      const told = async () => {
        const { stdout } = await cluster.kubectl("logs", "worker-0");
        return stdout.split("\n").filter((line) => line.includes(" a permission is missing: "));
      };
      await cluster.eventually("the line", async () => (await told()).length > 0);
      const [line = ""] = await told();
      expect(line).toContain(`verb=${verb} resource=${resource}`);
      expect(line).toContain(`namespace=${cluster.namespace} `);
      await cluster.api.patch(path, { rules });
      await attemptWritten(cluster, await cluster.get("pods", "worker-0"), 0);
      expect(await told()).toHaveLength(1);
    },
  );
}

e2e.testWithoutWebhooks(
  "in-place restart turned off on the JobSet lets the worker go without an attempt",
  async (cluster) => {
    const node = await agentNode(cluster.environment);
    await applyExample(cluster, `${MAIN}.yaml`);
    const pod = await createPod(cluster, node, { jobSet: MAIN, pod: "worker-0", env: { WORKER_COMMAND: WORKER } });
    await attemptWritten(cluster, pod, 0);
    const annotations = { "jobset.sigs.k8s.io/disable-in-place-restart": "true" };
    await cluster.patch("jobsets", MAIN, { metadata: { annotations } });
    await cluster.eventually("the worker to start", () => Promise.resolve(startsOf(node, pod) === 1));
    await setAttempts(cluster, MAIN, 5, 5);
    const other = await createPod(cluster, node, { jobSet: MAIN, pod: "worker-1", env: { WORKER_COMMAND: WORKER } });
    await cluster.eventually("another worker to start", () => Promise.resolve(startsOf(node, other) === 1));
    expect(await restartCounts(cluster, pod)).toEqual({ worker: 0 });
  },
);

e2e.testWithoutWebhooks(
  "the example's policy lets an agent change that annotation of its own Pod only",
  async (cluster) => {
    const node = await agentNode(cluster.environment);
    await applyExample(cluster, `${MAIN}.yaml`, () => true);
    try {
      const env = { WORKER_COMMAND: WORKER };
      const pod = await createPod(cluster, node, { jobSet: MAIN, pod: "worker-0", env });
      const other = await createPod(cluster, node, { jobSet: MAIN, pod: "worker-1", env });
      await attemptWritten(cluster, pod, 0);
      await attemptWritten(cluster, other, 0);
      const token = readFileSync(node.fileOf(pod, "serviceaccount", "token"), "utf8");
      const agent = new Api({ ...cluster.api.access, token });
      const patch = async (name: string, body: JsonObject) => {
        const type = "application/merge-patch+json";
        const { code, body: answer } = await agent.request("PATCH", cluster.path("pods", name), body, type);
        return { code, message: asString(answer["message"]) ?? "" };
      };
      const annotate = (key: string, value: string | null) => ({ metadata: { annotations: { [key]: value } } });
      // A new value each time: once one was let in, asking for it again changes nothing, and nothing is refused.
      let tries = 0;
      await cluster.eventually("the policy to be in force", async () => {
        return (await patch("worker-0", annotate("example.com/other", `x${tries++}`))).code === 422;
      });
      const refused: readonly JsonObject[] = [
        annotate("example.com/other", "y"),
        { metadata: { labels: { a: "b" } } },
        { metadata: { finalizers: ["example.com/stays"] } },
        { spec: { activeDeadlineSeconds: 1 } },
        { metadata: { annotations: { [ANNOTATION]: "7", "example.com/other": "z" } } },
      ];
      for (const body of refused) {
        const { code, message } = await patch("worker-0", body);
        expect([code, message]).toEqual([422, expect.stringContaining("an agent changes the annotation")]);
      }
      const { code, message } = await patch("worker-1", annotate(ANNOTATION, "7"));
      expect([code, message]).toEqual([422, expect.stringContaining("an agent changes its own Pod only")]);
      expect((await patch("worker-0", annotate(ANNOTATION, "7"))).code).toBe(200);
      // With the policy in force an agent does its work.
      await setAttempts(cluster, MAIN, 0, 0);
      await attemptWritten(cluster, pod, 1);
      await attemptWritten(cluster, other, 1);
      expect(nameOf(pod)).toBe("worker-0");
    } finally {
      for (const kind of ["validatingadmissionpolicybindings", "validatingadmissionpolicies"]) {
        await cluster.api.delete(`${ADMISSION}/${kind}/${ROLE}`);
      }
    }
  },
);
