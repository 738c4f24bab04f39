/** volumeClaimPolicies (spec 3.6). */
import { expect } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { annotationsOf, labelsOf, nameOf, uidOf } from "./cluster.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { suite } from "./suite.ts";

const e2e = suite();
const SPEC = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

function claim(name: string, metadata: JsonObject = {}): JsonObject {
  return { metadata: { name, ...metadata }, spec: SPEC };
}

function mounts(...names: readonly string[]): JsonObject {
  return { volumeMounts: names.map((name) => ({ name, mountPath: `/${name}` })) };
}

/** The claims that a child Job mounts, by the name of the volume. */
function volumesOf(job: JsonObject | undefined): JsonObject {
  const volumes = asArray(at(job, "spec", "template", "spec", "volumes"));
  return Object.fromEntries(
    volumes.map((each) => [asString(at(each, "name")), at(each, "persistentVolumeClaim", "claimName")]),
  );
}

const POLICIES = [
  { templates: [claim("scratch", { labels: { team: "a" }, annotations: { note: "b" } })] },
  { templates: [claim("kept")], retentionPolicy: { whenDeleted: "Retain" } },
];

e2e.test("claims are made once, even while suspended, and mounted where a container asks for them (T11)", async (cluster) => {
  const groups = [
    byHand("both", { container: mounts("scratch", "kept") }),
    byHand("init", { pod: { initContainers: [{ name: "first", image: "example.com/none", ...mounts("kept") }] } }),
    byHand("none"),
  ];
  await cluster.create("jobsets", jobSet("js", groups, { suspend: true, volumeClaimPolicies: POLICIES }));
  const [both, init, none] = await cluster.jobCount("js", 3);
  expect(volumesOf(both)).toEqual({ scratch: "scratch-js", kept: "kept-js" });
  expect(volumesOf(init)).toEqual({ kept: "kept-js" });
  expect(volumesOf(none)).toEqual({});
  const claims = await cluster.list("pvcs");
  expect(claims.map(nameOf).toSorted()).toEqual(["kept-js", "scratch-js"]);
  const scratch = await cluster.get("pvcs", "scratch-js");
  expect(labelsOf(scratch)).toEqual({ team: "a", "jobset.sigs.k8s.io/jobset-name": "js" });
  expect(annotationsOf(scratch)["note"]).toBe("b");
  expect(at(scratch, "spec")).toMatchObject(SPEC);
  // K8: the volumes stand in the Jobs only.
  expect(JSON.stringify(at(await cluster.jobSet("js"), "spec", "replicatedJobs"))).not.toContain(
    "persistentVolumeClaim",
  );
});

e2e.test("with the JobSet go the claims of Delete and of no policy; Retain stays and is used again (R71)", async (cluster) => {
  const body = jobSet("js", [byHand("a", { container: mounts("scratch", "kept") })], { volumeClaimPolicies: POLICIES });
  await cluster.create("jobsets", body);
  await cluster.jobCount("js", 1);
  expect(at(asArray(at(await cluster.get("pvcs", "scratch-js"), "metadata", "ownerReferences"))[0], "kind")).toBe(
    "JobSet",
  );
  const kept = await cluster.get("pvcs", "kept-js");
  expect(at(kept, "metadata", "ownerReferences")).toBeUndefined();
  await cluster.delete("jobsets", "js");
  await cluster.eventually("the claim to go", async () => await cluster.find("pvcs", "scratch-js") === undefined);
  expect(uidOf(await cluster.get("pvcs", "kept-js"))).toBe(uidOf(kept));
  await cluster.create("jobsets", body);
  await cluster.jobCount("js", 1);
  expect(uidOf(await cluster.get("pvcs", "kept-js"))).toBe(uidOf(kept));
  expect(await cluster.events("js")).toEqual([]);
});

e2e.test("a claim that the API server refuses is told of by its words; no Job is made without it", async (cluster) => {
  await cluster.create("quotas", { metadata: { name: "q" }, spec: { hard: { persistentvolumeclaims: "0" } } });
  await cluster.eventually(
    "the quota to be in force",
    async () => at(await cluster.get("quotas", "q"), "status", "hard") !== undefined,
  );
  const volumeClaimPolicies = [{ templates: [claim("data")] }];
  await cluster.create("jobsets", jobSet("js", [byHand("a", { container: mounts("data") })], { volumeClaimPolicies }));
  const { type, note } = await cluster.event("js", "PVCCreationFailed");
  expect(type).toBe("Warning");
  expect(note).toContain("exceeded quota: q");
  expect(await cluster.jobs("js")).toEqual([]);
  await cluster.patch("quotas", "q", { spec: { hard: { persistentvolumeclaims: "1" } } });
  await cluster.jobCount("js", 1);
});
