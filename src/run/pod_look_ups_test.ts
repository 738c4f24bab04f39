import { expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { type Pod, readPod } from "../api/pod.ts";
import { ApiError } from "../client/api_error.ts";
import type { KubeRequest } from "../client/kube_client.ts";
import { podLookUps, type PodLookUpsOptions } from "./pod_look_ups.ts";
import { KEY, nodeBody, podBody, RACK, ZONE } from "./test_placement.ts";

const INDEX = "batch.kubernetes.io/job-completion-index";
const LEADERS = { namespace: "ns", jobKey: KEY, isCertain: true };
const COLD: PodLookUpsOptions["watches"] = { leadersOf: () => undefined, domainsOf: () => undefined };

/** Look-ups in a cluster that answers with this. */
function over(
  answer: (request: KubeRequest) => unknown,
  { watches = COLD, watchedNamespace }: Partial<PodLookUpsOptions> = {},
) {
  const asked: KubeRequest[] = [];
  const request = (request: KubeRequest) => {
    asked.push(request);
    return Promise.resolve().then(() => answer(request));
  };
  return { asked, lookUps: podLookUps({ client: { request }, watches, watchedNamespace }) };
}

function trimmed(body: JsonObject): Pod {
  const pod = readPod(body);
  if (pod === undefined) throw new Error("no Pod");
  return pod;
}

test("R43, R46: leaders have index 0 and a Job, are neither being deleted nor failed, and may wait for a node", async () => {
  const items = [
    podBody({ name: "running", node: "n1" }),
    podBody({ name: "waiting", phase: "Pending" }),
    podBody({ name: "failed", node: "n1", phase: "Failed" }),
    podBody({ name: "succeeded", node: "n1", phase: "Succeeded" }),
    podBody({ name: "deleting", node: "n1", isDeleting: true }),
    podBody({ name: "follower", node: "n1", index: 1 }),
    podBody({ name: "nobody's", node: "n1", jobUid: undefined }),
    "no Pod",
  ];
  Reflect.deleteProperty(Object(items[6]).metadata, "ownerReferences");
  const { lookUps, asked } = over(() => ({ items }));
  expect(await lookUps.leaders(LEADERS)).toEqual([
    { name: "running", ownerUid: "j-uid", nodeName: "n1", isSucceeded: false },
    { name: "waiting", ownerUid: "j-uid", nodeName: undefined, isSucceeded: false },
    { name: "succeeded", ownerUid: "j-uid", nodeName: "n1", isSucceeded: true },
  ]);
  expect(asked).toMatchObject([{
    path: "/api/v1/namespaces/ns/pods",
    query: { labelSelector: `jobset.sigs.k8s.io/job-key=${KEY},${INDEX}=0` },
  }]);
});

test("a leader without the label of its index is found by its annotation", async () => {
  const items = [podBody({ name: "leader", node: "n1" })];
  const { lookUps } = over(({ query }) => ({ items: query?.["labelSelector"]?.includes(INDEX) ? [] : items }));
  expect(await lookUps.leaders(LEADERS)).toMatchObject([{ name: "leader" }]);
});

test("what can be no label's value is not put into a selector", async () => {
  const { lookUps, asked } = over(() => ({ items: [podBody({ name: "a" })] }));
  for (const jobKey of ["", "a,b=c", "a)", "x".repeat(64), "-a"]) {
    expect(await lookUps.leaders({ ...LEADERS, jobKey })).toEqual([]);
  }
  expect(asked).toEqual([]);
});

test("a node has the label, has it not, or is gone", async () => {
  const { lookUps, asked } = over(({ path }) => {
    if (path.endsWith("/gone")) throw new ApiError({ status: 404, reason: "NotFound", message: "not found" });
    return nodeBody("n", { [ZONE]: path.endsWith("/empty") ? "" : "z1" });
  });
  const domain = (nodeName: string, topologyKey = ZONE) => lookUps.domain({ nodeName, topologyKey, isCertain: true });
  expect([await domain("n1"), await domain("empty"), await domain("n1", RACK), await domain("gone")])
    .toEqual(["z1", "", undefined, undefined]);
  expect(await domain("n1", "constructor")).toBeUndefined();
  expect(asked[0]?.accept).toContain("PartialObjectMetadata");
});

test("caches that are up to date answer, but not for those who must be certain", async () => {
  const watches = {
    leadersOf: () => [trimmed(podBody({ name: "cached", node: "old" }))],
    domainsOf: () => ({ [ZONE]: "cached" }),
  };
  const { lookUps, asked } = over(
    ({ path }) =>
      path.includes("/nodes/") ? nodeBody("n", { [ZONE]: "asked" }) : { items: [podBody({ name: "asked" })] },
    { watches },
  );
  const leaders = async (isCertain: boolean) => (await lookUps.leaders({ ...LEADERS, isCertain }))[0]?.name;
  const domain = (isCertain: boolean) => lookUps.domain({ nodeName: "n1", topologyKey: ZONE, isCertain });
  expect([await leaders(false), await domain(false)]).toEqual(["cached", "cached"]);
  expect(asked).toEqual([]);
  expect([await leaders(true), await domain(true)]).toEqual(["asked", "asked"]);
});

test("those who ask the same share one request, and the next one asks anew", async () => {
  const { lookUps, asked } = over(() => ({ items: [podBody({ name: "a" })] }));
  await Promise.all(Array.from({ length: 100 }, () => lookUps.leaders(LEADERS)));
  expect(asked).toHaveLength(1);
  await Promise.all([lookUps.leaders(LEADERS), lookUps.leaders({ ...LEADERS, namespace: "other" })]);
  expect(asked).toHaveLength(3);
});

test("the topologies of one Node are asked for together", async () => {
  const { lookUps, asked } = over(() => nodeBody("n1", { [ZONE]: "z1", [RACK]: "r1" }));
  const domain = (topologyKey: string) => lookUps.domain({ nodeName: "n1", topologyKey, isCertain: true });
  expect(await Promise.all([domain(ZONE), domain(RACK)])).toEqual(["z1", "r1"]);
  expect(asked).toHaveLength(1);
});

test("whoever may not look is told what is missing, and where --namespace is the reason", async () => {
  const forbidden = () => {
    throw new ApiError({ status: 403, reason: "Forbidden", message: "pods is forbidden" });
  };
  const message = async (watchedNamespace: string | undefined) => {
    const { lookUps } = over(forbidden, { watchedNamespace });
    return await lookUps.leaders(LEADERS).then(() => "", (error: Error) => error.message);
  };
  expect(await message(undefined)).toBe('list Pods of namespace "ns": pods is forbidden');
  expect(await message("team-a")).toContain("this replica runs with --namespace=team-a");
  const { lookUps } = over(forbidden);
  const asked = lookUps.domain({ nodeName: "n1", topologyKey: ZONE, isCertain: true });
  await expect(asked).rejects.toThrow('get Node "n1": ');
});
