/** The rules of a create, but for those of failure policies, coordinators and claims (spec 2.2: 1 to 7, 11). */
import type { JsonObject } from "../../src/base/json.ts";
import { group, newJobSet } from "../../src/admission/test_job_set.ts";
import { verdicts } from "./verdicts.ts";

const e2e = verdicts();

const LABEL_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with " +
  "an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_1123 =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const JOB_NAMES = "JobSet name is too long, job names generated for this JobSet will exceed 63 characters";
const POD_NAMES = "JobSet name is too long, pod names generated for this JobSet will exceed 63 characters";
const MAX_INT32 = 2147483647;

const on = (...names: readonly string[]) => ({ dependsOn: names.map((name) => ({ name, status: "Ready" })) });
const of = (...replicatedJobs: readonly JsonObject[]) => newJobSet({ replicatedJobs }, { name: "js" });
const withSpec = (spec: JsonObject) => newJobSet({ replicatedJobs: [group("a")], ...spec }, { name: "js" });
const named = (name: string, ...replicatedJobs: readonly JsonObject[]) => newJobSet({ replicatedJobs }, { name });
const generated = (generateName: string, ...replicatedJobs: readonly JsonObject[]) =>
  newJobSet({ replicatedJobs }, { generateName });

e2e.creates("any JobSet", [
  ["with nothing but a spec (R14)", newJobSet({}, { name: "js" }), []],
  ["without replicatedJobs (R25)", of(), []],
  ["with every error at once, in the order of the rules (R27)", {
    ...withSpec({
      managedBy: "x",
      coordinator: { replicatedJob: "c" },
      replicatedJobs: [group("a", { dependsOn: [] }), group("b", { groupName: "1" })],
      successPolicy: { operator: "All", targetReplicatedJobs: ["d", "d"] },
      failurePolicy: { restartStrategy: "InPlaceRestart", rules: [{ name: "1", action: "FailJobSet" }] },
    }),
  }, [
    'spec.failurePolicy.restartStrategy: Invalid value: "InPlaceRestart": ' +
    "InPlaceRestart restart strategy cannot be set when InPlaceRestart feature gate is disabled",
    "spec.replicatedJobs[0].dependsOn: Invalid value: []: DependsOn can't be set for the first ReplicatedJob",
    'spec.managedBy: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")',
    `spec.replicatedJobs[1].groupName: Invalid value: "1": ${LABEL_1035}`,
    ...[0, 1].map((index) =>
      `spec.successPolicy.targetReplicatedJobs[${index}]: Invalid value: "d": ` +
      "invalid replicatedJob name 'd' does not appear in .spec.ReplicatedJobs"
    ),
    "spec.failurePolicy.rules[0].name: Invalid value: \"1\": invalid failure policy rule name '1', a failure policy rule name " +
    "must start with an alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must " +
    "end with an alphanumeric character or '_'",
    'spec.coordinator.replicatedJob: Invalid value: "c": coordinator replicatedJob c does not exist',
  ]],
  // The schema lets these through, so that our own words show what a text with them becomes (R62).
  ["with % and line breaks in its texts (R62)", withSpec({ managedBy: "100%\n%s %!d(x)\r\"'<é>" }), [
    'spec.managedBy: Invalid value: "100%\\n%s %!d(x)\\r\\"\'<é>": ' +
    'must be a domain-prefixed path (such as "acme.io/foo")',
  ]],
]);

e2e.creates("rule 1", [
  ["BlockingRecreate needs no gate", withSpec({ failurePolicy: { restartStrategy: "BlockingRecreate" } }), []],
  ["InPlaceRestart without its gate", withSpec({ failurePolicy: { restartStrategy: "InPlaceRestart" } }), [
    'spec.failurePolicy.restartStrategy: Invalid value: "InPlaceRestart": ' +
    "InPlaceRestart restart strategy cannot be set when InPlaceRestart feature gate is disabled",
  ]],
]);

e2e.creates("rule 2", [
  ["dependsOn of those before", of(group("a"), group("b", on("a")), group("c", on("a", "b"))), []],
  ["an empty dependsOn of the first", of(group("a", { dependsOn: [] })), [
    "spec.replicatedJobs[0].dependsOn: Invalid value: []: DependsOn can't be set for the first ReplicatedJob",
  ]],
  ["dependsOn of the first", of(group("a", on("b")), group("b")), [
    'spec.replicatedJobs[0].dependsOn: Invalid value: ["b"]: DependsOn can\'t be set for the first ReplicatedJob',
  ]],
  [
    "dependsOn of a later one, of itself and of none",
    of(group("a"), group("b", on("c", "a", "b", "x")), group("c")),
    ([["c", 0], ["b", 2], ["x", 3]] as const).map(([name, index]) =>
      `spec.replicatedJobs[1].dependsOn[${index}].name: Invalid value: "${name}": ` +
      `replicatedJob: b cannot depend on replicatedJob: ${name}`
    ),
  ],
]);

const subdomain = (text: string) => withSpec({ network: { subdomain: text } });
const LONG = "s".repeat(64);
e2e.creates("rule 3", [
  ["a subdomain of 63 characters", subdomain("s".repeat(63)), []],
  ["a subdomain of 64 characters", subdomain(LONG), [
    `spec.network.subdomain: Invalid value: "${LONG}": .spec.network.subdomain is too long, must be less than 63 characters`,
  ]],
  ["a subdomain with a dot", subdomain("a.b"), [`spec.network.subdomain: Invalid value: "a.b": ${LABEL_1035}`]],
  ["a subdomain in capitals", subdomain("A"), [
    `spec.network.subdomain: Invalid value: "A": ${SUBDOMAIN_1123}`,
    `spec.network.subdomain: Invalid value: "A": ${LABEL_1035}`,
  ]],
]);

const managedBy = (text: string) => withSpec({ managedBy: text });
e2e.creates("rule 4 (K31)", [
  ["a domain-prefixed path", managedBy("kueue.x-k8s.io/multikueue"), []],
  ["one of 63 bytes", managedBy(`a/${"b".repeat(61)}`), []],
  ["one of 64 bytes", managedBy(`a/${"b".repeat(62)}`), ["spec.managedBy: Too long: may not be more than 63 bytes"]],
  ["an empty one", managedBy(""), ["spec.managedBy: Required value"]],
  ["one without a domain", managedBy("x"), [
    'spec.managedBy: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")',
  ]],
  ["one whose domain is none", managedBy("A/x"), [`spec.managedBy: Invalid value: "A": ${SUBDOMAIN_1123}`]],
  ["one whose path is none", managedBy("a/ "), [
    "spec.managedBy: Invalid value: \" \": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
  ]],
]);

const sized = (replicas: number, parallelism: number) => of(group("a", { replicas, job: { parallelism } }));
const tooMany = (replicas: number) => [
  `spec.replicatedJobs[0].replicas: Invalid value: ${replicas}: ` +
  "the product of replicas and parallelism must not exceed 2147483647 for replicatedJob 'a'",
];
e2e.creates("rule 5 (R26)", [
  ["as many Pods as an int32 counts", sized(MAX_INT32, 1), []],
  ["46340 times 46340 Pods", sized(46340, 46340), []],
  ["46341 times 46341 Pods", sized(46341, 46341), tooMany(46341)],
  ["twice as many Pods as an int32 counts", sized(MAX_INT32, 2), tooMany(MAX_INT32)],
]);

const grouped = (groupName: string) => of(group("a", { groupName }));
e2e.creates("rule 5", [
  ["a groupName of 63 characters", grouped("g".repeat(63)), []],
  ["a groupName of 64 characters", grouped("g".repeat(64)), [
    `spec.replicatedJobs[0].groupName: Invalid value: "${"g".repeat(64)}": ` +
    ".spec.replicatedJob[].groupName is too long, must be less than 63 characters",
  ]],
  ["an empty groupName", grouped(""), [`spec.replicatedJobs[0].groupName: Invalid value: "": ${LABEL_1035}`]],
]);

const indexed = (completions: number) => group("a", { job: { completions } });
e2e.creates("rule 5, names", [
  ["a JobSet name with a dot (R19)", named("j.s", group("a"), group("b", { replicas: 3 })), [
    `spec.replicatedJobs[0].name: Invalid value: "j.s-a-0": ${LABEL_1035}`,
    `spec.replicatedJobs[1].name: Invalid value: "j.s-b-2": ${LABEL_1035}`,
  ]],
  ["a JobSet name that starts with a digit (R19)", named("1js", group("a")), [
    `spec.replicatedJobs[0].name: Invalid value: "1js-a-0": ${LABEL_1035}`,
  ]],
  ["a replicatedJob name with an underscore (R19)", named("js", group("a_b")), [
    `spec.replicatedJobs[0].name: Invalid value: "js-a_b-0": ${LABEL_1035}`,
  ]],
  ["a replicatedJob name with % and a line break (R62)", named("js", group("a%d\nb")), [
    `spec.replicatedJobs[0].name: Invalid value: "js-a%d\\nb-0": ${LABEL_1035}`,
  ]],
  ["Job names of 63 characters", named("j".repeat(59), group("a", { replicas: 10 })), []],
  ["Job names of 64 characters", named("j".repeat(59), group("a", { replicas: 11 })), [
    `spec.replicatedJobs[0].name: Invalid value: "${"j".repeat(59)}-a-10": ${JOB_NAMES}`,
  ]],
  ["Pod names of 63 characters (R20)", named("j".repeat(51), indexed(10)), []],
  ["Pod names of 64 characters (R20)", named("j".repeat(51), indexed(11)), [
    `spec.replicatedJobs[0].name: Invalid value: "${"j".repeat(51)}-a-0-10-xxxxx": ${POD_NAMES}`,
  ]],
  ["Pod names of 63 characters by generateName (R21)", generated("j".repeat(46), indexed(10)), []],
  ["Pod names of 64 characters by generateName (R21)", generated("j".repeat(47), indexed(10)), [
    `spec.replicatedJobs[0].name: Invalid value: "${"j".repeat(47)}xxxxx-a-0-9-xxxxx": ${POD_NAMES}`,
  ]],
  ["a generateName that the API server cuts (R21)", generated("j".repeat(200), group("a")), [
    `spec.replicatedJobs[0].name: Invalid value: "${"j".repeat(58)}xxxxx-a-0": ${JOB_NAMES}`,
  ]],
]);

const targets = (...targetReplicatedJobs: readonly string[]) =>
  withSpec({ successPolicy: { operator: "Any", targetReplicatedJobs }, replicatedJobs: [group("a"), group("b")] });
e2e.creates("rule 7", [
  ["a success policy of replicatedJobs that exist", targets("b", "a"), []],
  ["a success policy of one that does not", targets("a", "c"), [
    'spec.successPolicy.targetReplicatedJobs[1]: Invalid value: "c": ' +
    "invalid replicatedJob name 'c' does not appear in .spec.ReplicatedJobs",
  ]],
]);

const TOPOLOGY = { "alpha.jobset.sigs.k8s.io/exclusive-topology": "zone" };
const SELECTOR = { "alpha.jobset.sigs.k8s.io/node-selector": "true" };
const exclusive = (annotations: JsonObject, ...replicatedJobs: readonly JsonObject[]) =>
  newJobSet({ replicatedJobs }, { name: "js", annotations });
const nonIndexed = group("b", { job: { completionMode: "NonIndexed" } });
const noLeader = (index: number) => [
  `spec.replicatedJobs[${index}].template.spec.completionMode: Invalid value: "NonIndexed": must be Indexed for exclusive ` +
  "placement (annotation alpha.jobset.sigs.k8s.io/exclusive-topology): without completion indexes no pod can be the leader " +
  "that the others follow",
];
e2e.creates("rule 11 (R51)", [
  ["exclusive placement of Indexed Jobs", exclusive(TOPOLOGY, group("a")), []],
  ["exclusive placement by node selector", exclusive({ ...TOPOLOGY, ...SELECTOR }, nonIndexed), []],
  [
    "exclusive placement of another replicatedJob (R50)",
    exclusive({}, group("a", { metadata: { annotations: TOPOLOGY } }), nonIndexed),
    [],
  ],
  ["exclusive placement of NonIndexed Jobs", exclusive(TOPOLOGY, group("a"), nonIndexed), noLeader(1)],
]);
