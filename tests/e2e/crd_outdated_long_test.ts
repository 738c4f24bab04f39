/** A CRD older than the controller: told of by a line, a gauge and Events, until the remedy is followed (R28). */
import { expect, test } from "bun:test";
import { asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { errorLines } from "./behind_proxy.ts";
import { Cluster } from "./cluster.ts";
import { Controller } from "./controller.ts";
import { type Environment, startEnvironment } from "./environment.ts";
import { configFile } from "./installation.ts";
import { byHand, jobSet } from "./job_sets.ts";

const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/jobsets.jobset.x-k8s.io";
const TIMEOUT_MS = 20 * 60_000;
/** Of an older JobSet: these fields were not there yet. */
const MISSING = "spec.replicatedJobs[].groupName, spec.coordinator, spec.volumeClaimPolicies";
/** Looked at again after 15 s. */
const SEEN_WITHIN_MS = 40_000;

/** Takes the fields from the CRD, as somebody else's installer has it: its words differ, and it owns them. */
async function makeOlder({ api }: Environment): Promise<void> {
  const crd: unknown = JSON.parse(JSON.stringify(await api.get(CRD)), (_, value: unknown) => {
    const properties = asObject(value);
    if (properties === undefined) return value;
    const isSpec = "replicatedJobs" in properties && "suspend" in properties;
    const isReplicatedJob = "dependsOn" in properties && "template" in properties;
    const gone = isSpec ? ["coordinator", "volumeClaimPolicies"] : isReplicatedJob ? ["groupName"] : [];
    return Object.fromEntries(
      Object.entries(properties).filter(([field]) => !gone.includes(field)).map(([field, entry]) => [
        field,
        field === "message" && entry === "Value is immutable" ? "Value is fixed" : entry,
      ]),
    );
  });
  await api.replace(`${CRD}?fieldManager=another-installer`, asObject(crd) ?? {});
}

/** What an old CRD does without a word. */
async function waitUntilPruned(cluster: Cluster): Promise<void> {
  await cluster.eventually("the older CRD to be served", async () => {
    const probe = jobSet("probe", [byHand("a")], { coordinator: { replicatedJob: "a" } });
    const { code, body } = await cluster.api.request("POST", `${cluster.path("jobsets")}?dryRun=All`, probe);
    return code === 201 && at(body, "spec", "coordinator") === undefined;
  });
}

async function gauge({ description }: Environment, port: number): Promise<string | undefined> {
  const response = await fetch(`https://127.0.0.1:${port}/metrics`, {
    headers: { authorization: `Bearer ${description.adminToken}` },
    tls: { rejectUnauthorized: false },
  });
  return /^jobset_crd_outdated (\S+)$/m.exec(await response.text())?.[1];
}

async function warnings(cluster: Cluster, name: string): Promise<readonly string[]> {
  return (await cluster.events(name)).filter(({ type, reason }) => type === "Warning" && reason === "CRDOutdated")
    .map(({ note }) => note);
}

/** What the line tells the administrator to do, done to the letter. */
async function follow(remedy: string, environment: Awaited<ReturnType<typeof startEnvironment>>): Promise<void> {
  const { description, controlPlane } = environment;
  const line = remedy.replace("jobset ", `"${description.binary}" `)
    .replace("kubectl ", `"${controlPlane.binaries.kubectl}" `);
  const child = Bun.spawn(["sh", "-c", line], {
    env: { PATH: process.env["PATH"], KUBECONFIG: description.kubeconfig, HOME: description.dir },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [errors, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
}

async function writeJobSets(cluster: Cluster): Promise<void> {
  const finished: JsonObject = {
    terminalState: "Completed",
    conditions: [{
      type: "Completed",
      status: "True",
      reason: "AllJobsCompleted",
      message: "jobset completed successfully",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    }],
  };
  await cluster.api.create(
    cluster.path("jobsets"),
    jobSet("pruned", [byHand("a")], { coordinator: { replicatedJob: "a" } }),
  );
  await cluster.create("jobsets", jobSet("finished", [byHand("a")]));
  await cluster.patchStatus("jobsets", "finished", finished);
  await cluster.create("jobsets", jobSet("foreign", [byHand("a")], { managedBy: "example.com/other" }));
}

test(
  "an older CRD: one line with fields and remedy, the gauge, an Event on each JobSet concerned; mended, all is well (R28)",
  async () => {
    const environment = await startEnvironment({}, 0);
    const [metrics = 0] = await findFreePorts(1);
    const config = await configFile(environment, { metrics });
    const controller = new Controller(environment, await environment.controllerKubeconfig(), {
      flags: [`--config=${config}`],
    });
    try {
      const cluster = await Cluster.create(environment);
      await makeOlder(environment);
      await waitUntilPruned(cluster);
      await writeJobSets(cluster);

      await controller.start();
      const { note } = await cluster.event("pruned", "CRDOutdated");
      const [what, remedy = ""] = note.split("; apply the CRD of this version: ");
      expect(what).toBe(`the CRD jobsets.jobset.x-k8s.io is older than the controller, fields are dropped: ${MISSING}`);
      expect(await gauge(environment, metrics)).toBe("1");

      await cluster.create("jobsets", jobSet("later", [byHand("a")]));
      expect((await cluster.event("later", "CRDOutdated")).note).toBe(note);
      await cluster.jobCount("later", 1);
      await controller.terminate();
      await controller.start();
      await cluster.eventually("a line of each start", () => Promise.resolve(errorLines(controller).length === 2));
      for (const line of errorLines(controller)) {
        expect(line).toContain("the CRD is older than this controller: fields are dropped");
        expect(line).toContain(MISSING);
        expect(line).toContain(remedy);
      }

      await follow(remedy, environment);
      await waitFor("the controller to see the CRD mended", {
        timeoutMs: SEEN_WITHIN_MS,
        check: async () => await gauge(environment, metrics) === "0",
        describe: () => controller.logTail(),
      });
      expect(controller.logLines("the CRD has all fields now")).toHaveLength(1);
      const led = await cluster.api.create(
        cluster.path("jobsets"),
        jobSet("led", [byHand("a")], { coordinator: { replicatedJob: "a" } }),
      );
      expect(asString(at(led, "spec", "coordinator", "replicatedJob"))).toBe("a");
      await cluster.jobCount("led", 1);
      for (const name of ["finished", "foreign", "led"]) expect(await warnings(cluster, name)).toEqual([]);
      expect(errorLines(controller)).toHaveLength(2);
    } catch (error) {
      console.error(controller.logTail());
      throw error;
    } finally {
      await controller.dispose();
      await environment.stop();
    }
  },
  TIMEOUT_MS,
);
