/** Names that follow from a JobSet's parts, beyond those that the reference looks at: each would make an object that is refused for ever. */
import { expect, test } from "bun:test";
import { group, newJobSet, problems } from "./test_job_set.ts";

const TOPOLOGY = { "alpha.jobset.sigs.k8s.io/exclusive-topology": "rack" };
const SELECTOR = { "alpha.jobset.sigs.k8s.io/node-selector": "true" };
const EXCLUSIVE = { ...TOPOLOGY, ...SELECTOR };
const LABEL_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must " +
  "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

test("a replicatedJob's name is a label of its Jobs: a dash at either end is refused", () => {
  for (const name of ["a-", "-a", "-"]) {
    expect(problems(newJobSet({ replicatedJobs: [group(name)] }))).toEqual([
      `spec.replicatedJobs[0].name: Invalid value: "${name}": is no value for label ` +
      `"jobset.sigs.k8s.io/replicatedjob-name": ${LABEL_RULE}`,
    ]);
  }
  expect(problems(newJobSet({ replicatedJobs: [group("a-b")] }))).toEqual([]);
  // Without replicas there is no Job to be refused.
  expect(problems(newJobSet({ replicatedJobs: [group("a-", { replicas: 0 })] }))).toEqual([]);
});

test("the node selector of a Job holds namespace and name in 63 characters, or the JobSet is refused", () => {
  const jobSet = (namespace: string, annotations: object) =>
    newJobSet({ replicatedJobs: [group("a", { replicas: 11 })] }, { name: "js", namespace, annotations });
  expect(problems(jobSet("n".repeat(55), EXCLUSIVE))).toEqual([]); // and _js-a-10
  const holder = `${"n".repeat(56)}_js-a-10`;
  expect(problems(jobSet("n".repeat(56), EXCLUSIVE))).toEqual([
    `spec.replicatedJobs[0].name: Invalid value: "a": spec will lead to invalid label value "${holder}" for node selector ` +
    '"alpha.jobset.sigs.k8s.io/namespaced-job" (long namespace / JobSet / ReplicatedJob name?): must be no more than 63 bytes',
  ]);
  expect(problems(jobSet("n".repeat(56), {}))).toEqual([]);
});

test("the node selector counts wherever its two annotations stand, as in the Jobs", () => {
  const metadata = { name: "js", namespace: "n".repeat(63), annotations: TOPOLOGY };
  const replicatedJobs = [group("a", { metadata: { annotations: SELECTOR } })];
  expect(problems(newJobSet({ replicatedJobs }, metadata))).toHaveLength(1);
  expect(problems(newJobSet({ replicatedJobs }, { ...metadata, annotations: {} }))).toEqual([]);
});

test("a JobSet without replicatedJobs still names a Service, unless it asks for none", () => {
  const named = (name: string, spec = {}) => problems(newJobSet({ replicatedJobs: [], ...spec }, { name }));
  expect(named("js")).toEqual([]);
  expect(named("1a")).toEqual([]); // API servers of Kubernetes 1.36 take it
  expect(named("a.b")).toEqual([
    'metadata.name: Invalid value: "a.b": names the headless Service: must not contain dots',
  ]);
  expect(named("j".repeat(64))).toEqual([
    `metadata.name: Invalid value: "${"j".repeat(64)}": names the headless Service: must be no more than 63 characters`,
  ]);
  expect(named("a.b", { network: { enableDNSHostnames: false } })).toEqual([]);
  expect(named("a.b", { network: { subdomain: "net" } })).toEqual([]);
  expect(named("j".repeat(64), { network: { subdomain: "net" } })).toEqual([
    `metadata.name: Invalid value: "${
      "j".repeat(64)
    }": is a label of the headless Service: must be no more than 63 bytes`,
  ]);
});
