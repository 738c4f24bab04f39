/** What the scale bench fills its cluster with: JobSets with all their Jobs, Pods and Nodes, written by the bench itself. */
import { asObject, at, type JsonObject } from "../../src/base/json.ts";
import { type JobSet, readJobSet } from "../../src/api/job_set.ts";
import { createOf, jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { BulkWriter } from "./bulk_writer.ts";
import { type BenchCluster, createNamespace, FILLER, JOBS, JOBSETS } from "./cluster.ts";
import { Api } from "../../scripts/control_plane/api.ts";
import { benchJobSet } from "./job_set.ts";
import { BLOCK, blockOf, exclusiveJobSet, nodeBody, nodeName, NODES_PER_BLOCK, podBody } from "./placement_objects.ts";

/** The Jobs of one namespace. */
export interface Layout {
  readonly namespace: string;
  readonly jobSets: number;
  readonly jobsEach: number;
}

const ACCOUNT_MS = 60_000;
const BY_HAND = "example.com/bench";
const EXCLUSIVE = { "alpha.jobset.sigs.k8s.io/exclusive-topology": BLOCK };

/** JobSets whose Jobs are all there, so that a controller has nothing to make. */
export async function fillJobs(cluster: BenchCluster, writer: BulkWriter, layout: Layout): Promise<number> {
  const { namespace, jobSets, jobsEach } = layout;
  const path = `${JOBSETS}/namespaces/${namespace}/jobsets`;
  await createNamespace(cluster.api, namespace);
  const names = Array.from({ length: jobSets }, (_, index) => `scale-${index}`);
  const created = await writer.create(path, names.map((name) => benchJobSet({ namespace, name, replicas: jobsEach })));
  const jobs = (await fillerApi(cluster).list(path)).flatMap((body) => jobsOf(body, jobsEach));
  return created + await writer.create(`${JOBS}/namespaces/${namespace}/jobs`, jobs);
}

export function fillNodes(writer: BulkWriter, nodes: number): Promise<number> {
  return writer.create("/api/v1/nodes", Array.from({ length: nodes }, (_, index) => nodeBody(index)));
}

/** Pods of exclusive placement for the Jobs of a namespace, each Job in one block of Nodes. */
export async function fillPods(
  cluster: BenchCluster,
  writer: BulkWriter,
  { namespace, podsEach, blocks }: { readonly namespace: string; readonly podsEach: number; readonly blocks: number },
): Promise<number> {
  await hasDefaultAccount(cluster, namespace);
  const jobs = await fillerApi(cluster).list(`${JOBS}/namespaces/${namespace}/jobs`);
  const pods = jobs.flatMap((job, index) => podsOf(job, { podsEach, block: index % blocks }));
  return await writer.create(`/api/v1/namespaces/${namespace}/pods`, pods);
}

/** Who makes Pods and Nodes worth watching. The Pods of its one Job are not the Job controller's to make. */
export async function needPods({ api }: BenchCluster, namespace: string): Promise<void> {
  const jobSet = exclusiveJobSet("needs-pods", { jobs: 1, pods: 1, managedBy: BY_HAND });
  await api.create(`${JOBSETS}/namespaces/${namespace}/jobsets`, jobSet);
}

/** As the controller itself would make them, in a cluster without PriorityClasses of its own. */
function jobsOf(body: JsonObject, count: number): readonly JsonObject[] {
  const jobSet = readJobSet(body);
  if (jobSet === undefined) throw new Error("read a JobSet of the bench: it has no name or uid");
  return jobBodies(jobSet, count);
}

function jobBodies(jobSet: JobSet, count: number): readonly JsonObject[] {
  const priorities = { byClass: new Map<string, number>(), globalDefault: 0 };
  const build = jobFactory(jobSet, { ...nothingKnown(), priorities });
  return Array.from({ length: count }, (_, index) => build(createOf(jobSet, 0, index)));
}

/** The first is the leader, the others are pinned to its block. */
function podsOf(job: JsonObject, { podsEach, block }: { podsEach: number; block: number }): readonly JsonObject[] {
  const template = asObject(at(job, "spec", "template")) ?? {};
  const metadata = asObject(template["metadata"]) ?? {};
  const annotations = { ...asObject(metadata["annotations"]), ...EXCLUSIVE };
  const exclusive = {
    ...job,
    spec: { template: { ...template, metadata: { ...metadata, annotations } } },
  };
  const nodes = block * NODES_PER_BLOCK;
  return Array.from({ length: podsEach }, (_, index) => {
    const node = nodes + index % NODES_PER_BLOCK;
    const pin = index === 0 ? {} : { pin: blockOf(node) };
    return podBody(exclusive, { index, node: nodeName(node), ...pin });
  });
}

/** Before it is there, no Pod can be created. */
async function hasDefaultAccount({ api }: BenchCluster, namespace: string): Promise<void> {
  await waitFor("the default service account", {
    timeoutMs: ACCOUNT_MS,
    check: async () => {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
      return (await api.request("GET", path)).code === 200;
    },
  });
}

function fillerApi({ controlPlane }: BenchCluster): Api {
  const { url, caPem } = controlPlane;
  return new Api({ url, caPem, token: controlPlane.tokenOf(FILLER) });
}
