/**
 * Which Pods the API server calls the Pod webhooks for (spec 4.1, R52): here nobody serves them, so that whoever needs a call is
 * refused, and everybody else is not.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asArray, asObject, asString, at, type JsonObject } from "../../src/base/json.ts";
import { partObjects } from "../../src/install/install_objects.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { WEBHOOKS_OFF } from "../e2e/installation.ts";
import { type SharedServer, sharedServer } from "./shared_server.ts";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses";
const LABEL = "jobset-lite.test/conditions";
const JOBSET_NAME = "jobset.sigs.k8s.io/jobset-name";
const PRIORITY = "jobset.sigs.k8s.io/priority";
const EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology";
const SELECTOR = "alpha.jobset.sigs.k8s.io/node-selector";
const INDEX = "batch.kubernetes.io/job-completion-index";
const ZONE = "topology.kubernetes.io/zone";
const MINE = { [JOBSET_NAME]: "train" };
const RUN = crypto.randomUUID().slice(0, 8);

interface Case {
  readonly what: string;
  readonly annotations?: JsonObject | undefined;
  readonly labels?: JsonObject | undefined;
  readonly spec?: JsonObject;
  /** Of a PriorityClass of this run. */
  readonly priority?: number;
  /** The webhooks that are to be called: m, v. */
  readonly called: string;
}

const EXCLUSIVE_MINE = { ...MINE, [EXCLUSIVE]: ZONE };
const LEADER = { ...EXCLUSIVE_MINE, [INDEX]: "0" };
const FOLLOWER = { ...EXCLUSIVE_MINE, [INDEX]: "1" };
const PINNED = { nodeSelector: { [ZONE]: "a" } };

/** Pods with the label jobset-name. */
const LABELLED: readonly Case[] = [
  { what: "no annotations", called: "" },
  { what: "no annotation jobset-name", annotations: { [EXCLUSIVE]: ZONE, [INDEX]: "1" }, called: "" },
  { what: "no label of its priority", annotations: MINE, called: "m" },
  { what: "the label of its priority 0", annotations: MINE, labels: { [PRIORITY]: "0" }, called: "" },
  { what: "an empty label", annotations: MINE, labels: { [PRIORITY]: "" }, called: "m" },
  { what: "the label of another priority", annotations: MINE, labels: { [PRIORITY]: "1" }, called: "m" },
  { what: "priority -1", annotations: MINE, priority: -1, called: "m" },
  { what: "priority -1, labelled", annotations: MINE, priority: -1, labels: { [PRIORITY]: "n1" }, called: "" },
  { what: "priority 1, labelled n1", annotations: MINE, priority: 1, labels: { [PRIORITY]: "n1" }, called: "m" },
  { what: "the lowest", annotations: MINE, priority: -(2 ** 31), labels: { [PRIORITY]: "n2147483648" }, called: "" },
  {
    what: "priority 2000000000, labelled",
    annotations: MINE,
    labels: { [PRIORITY]: "2000000000" },
    spec: { priorityClassName: "system-cluster-critical" },
    called: "",
  },
  { what: "priority 2000001000", annotations: MINE, spec: { priorityClassName: "system-node-critical" }, called: "m" },
  { what: "placed by the node selector", annotations: { ...FOLLOWER, [SELECTOR]: "true" }, called: "" },
  { what: "placed by an empty annotation node-selector", annotations: { ...LEADER, [SELECTOR]: "" }, called: "" },
  { what: "a leader", annotations: LEADER, labels: { [PRIORITY]: "0" }, called: "m" },
  { what: "a leader with a selector", annotations: LEADER, labels: { [PRIORITY]: "0" }, spec: PINNED, called: "m" },
  { what: "a follower", annotations: FOLLOWER, labels: { [PRIORITY]: "0" }, called: "mv" },
  { what: "a follower with another selector", annotations: FOLLOWER, spec: { nodeSelector: { a: "b" } }, called: "mv" },
  { what: "a follower with a domain", annotations: FOLLOWER, labels: { [PRIORITY]: "0" }, spec: PINNED, called: "m" },
  {
    what: "a follower with the empty domain",
    annotations: FOLLOWER,
    spec: { nodeSelector: { [ZONE]: "" } },
    called: "m",
  },
  { what: "a follower with an empty selector", annotations: FOLLOWER, spec: { nodeSelector: {} }, called: "mv" },
  { what: "no index", annotations: EXCLUSIVE_MINE, called: "mv" },
  { what: "an odd index", annotations: { ...EXCLUSIVE_MINE, [INDEX]: "00" }, called: "mv" },
  { what: "an empty topology", annotations: { ...FOLLOWER, [EXCLUSIVE]: "" }, called: "mv" },
];

/** What the object selector keeps away, and the conditions' guards as well, should somebody widen it. */
const UNLABELLED: readonly Case[] = [
  { what: "nothing", called: "" },
  { what: "labels only", labels: { a: "b" }, called: "" },
  { what: "annotations only", annotations: MINE, called: "m" },
  { what: "a follower", annotations: FOLLOWER, called: "mv" },
];

let server: SharedServer;
const webhooks = partObjects("webhooks", "jobset-system");
const created: string[] = [];

/** A namespace per webhook, so that one that is called does not hide the other. */
function namespaceOf(webhook: "m" | "v", isWide: boolean): string {
  return `conditions-${webhook}${isWide ? "w" : ""}-${RUN}`;
}

beforeAll(async () => {
  server = await sharedServer();
  for (const webhook of ["m", "v"] as const) {
    for (const isWide of [false, true]) await install(webhook, isWide);
  }
  for (const { priority } of LABELLED) {
    if (priority !== undefined) await createClass(priority);
  }
}, 60_000);

afterAll(async () => {
  for (const path of created.toReversed()) await server.api.delete(path);
});

/** The entry as the manifest has it, but that nobody listens; `isWide`: without its object selector. */
async function install(webhook: "m" | "v", isWide: boolean): Promise<void> {
  const name = namespaceOf(webhook, isWide);
  const metadata = { name, labels: { ...WEBHOOKS_OFF, [LABEL]: name } };
  await create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata });
  await create(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: "own" } });
  const [collection, kind] = webhook === "m"
    ? ["mutatingwebhookconfigurations", "MutatingWebhookConfiguration"]
    : ["validatingwebhookconfigurations", "ValidatingWebhookConfiguration"];
  const configuration = webhooks.find((object) => object["kind"] === kind);
  const entry = asArray(configuration?.["webhooks"]).find((entry) => at(entry, "name") === `${webhook}pod.kb.io`);
  const { objectSelector, ...rest } = asObject(entry) ?? {};
  expect(objectSelector).toEqual({ matchExpressions: [{ key: JOBSET_NAME, operator: "Exists" }] });
  const path = asString(at(entry, "clientConfig", "service", "path"));
  const own = {
    ...rest,
    ...(isWide ? {} : { objectSelector }),
    clientConfig: { url: `https://127.0.0.1:1${path}` },
    namespaceSelector: { matchLabels: { [LABEL]: name } },
  };
  await create(`${ADMISSION}/${collection}`, { metadata: { name }, webhooks: [own] });
  await waitFor(`${webhook}pod.kb.io to be called`, {
    timeoutMs: 30_000,
    check: () => isCalled(webhook, isWide, { what: "a probe", annotations: FOLLOWER, labels: MINE, called: "mv" }),
  });
}

async function create(collection: string, body: JsonObject): Promise<void> {
  await server.api.create(collection, body);
  created.push(`${collection}/${asString(at(body, "metadata", "name"))}`);
}

function className(priority: number): string {
  return `conditions-${RUN}-${priority < 0 ? "n" : ""}${Math.abs(priority)}`;
}

async function createClass(priority: number): Promise<void> {
  const name = className(priority);
  if (!created.includes(`${CLASSES}/${name}`)) await create(CLASSES, { metadata: { name }, value: priority });
}

/** Whether creating the Pod, which stores nothing, comes to the webhook; any other refusal is an error. */
async function isCalled(webhook: "m" | "v", isWide: boolean, pod: Case): Promise<boolean> {
  const body = {
    metadata: { generateName: "pod-", annotations: pod.annotations, labels: pod.labels },
    spec: {
      serviceAccountName: "own",
      containers: [{ name: "main", image: "example.com/none" }],
      ...(pod.priority === undefined ? {} : { priorityClassName: className(pod.priority) }),
      ...pod.spec,
    },
  };
  const answer = await server.api.request(
    "POST",
    `/api/v1/namespaces/${namespaceOf(webhook, isWide)}/pods?dryRun=All&fieldValidation=Strict`,
    body,
  );
  if (answer.code === 201) return false;
  const message = asString(answer.body["message"]) ?? "";
  if (message.includes(`failed calling webhook "${webhook}pod.kb.io"`)) return true;
  throw new Error(`${pod.what}: ${answer.code}: ${message}`);
}

async function calledFor(pod: Case, isWide: boolean): Promise<string> {
  const [m, v] = [await isCalled("m", isWide, pod), await isCalled("v", isWide, pod)];
  return `${m ? "m" : ""}${v ? "v" : ""}`;
}

describe("a Pod of a JobSet", () => {
  for (const pod of LABELLED) {
    const labelled = { ...pod, labels: { ...MINE, ...pod.labels } };
    test(pod.what, async () => {
      expect(await calledFor(labelled, false)).toBe(pod.called);
      expect(await calledFor(pod, true)).toBe(pod.called);
    });
  }
});

describe("without the label of its JobSet", () => {
  for (const pod of UNLABELLED) {
    test(pod.what, async () => {
      expect(await calledFor(pod, false)).toBe("");
      expect(await calledFor(pod, true)).toBe(pod.called);
    });
  }
});
