/** A control plane of its own, the installed executable on it in two replicas behind a fault proxy, and what judges them. */
import { join } from "node:path";
import { buildBinary } from "../../scripts/build.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/control_plane.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { type FaultProxy, startFaultProxy } from "../../scripts/fault_proxy.ts";
import { type Kubelet, startKubelet } from "../../scripts/kubelet.ts";
import { Cluster } from "../e2e/cluster.ts";
import { CONTROLLER_USER, describe, Environment } from "../e2e/environment.ts";
import { applyManifest } from "../e2e/installation.ts";
import { ServiceProxy } from "../e2e/service_proxy.ts";
import { findClockLibrary, JumpingClock } from "./clock_library.ts";
import { STORAGE_FLAG } from "./etcd_record.ts";
import { Replica } from "./replica.ts";

const CRD_FILE = join(import.meta.dir, "../../crds/jobset.x-k8s.io_jobsets.yaml");
const NODES = 3;
const REPLICAS = 2;
const READY_MS = 60_000;
const LOOK_EVERY_MS = 200;

export interface System {
  readonly controlPlane: ControlPlane;
  readonly environment: Environment;
  readonly cluster: Cluster;
  readonly proxy: FaultProxy;
  readonly replicas: readonly Replica[];
  /** Why clocks do not jump, where they do not. */
  readonly noClocks: string | undefined;
  stop(): Promise<void>;
}

/** What a system is made of, in the order in which it started; stopped in reverse, whatever of it there is. */
type Stops = (() => Promise<unknown>)[];

export async function startSystem(report: (line: string) => void): Promise<System> {
  const stops: Stops = [];
  const stop = async () => {
    for (const each of stops.toReversed()) await each();
    stops.length = 0;
  };
  try {
    return { ...await start(stops, report), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(stops: Stops, report: (line: string) => void): Promise<Omit<System, "stop">> {
  JumpingClock.forgetEnded();
  const library = await findClockLibrary(report);
  const binary = await buildBinary(report);
  const controlPlane = await startControlPlane({
    auditUsers: [CONTROLLER_USER],
    crds: [CRD_FILE],
    apiServerFlags: [STORAGE_FLAG],
    report,
  });
  stops.push(() => controlPlane.stop());
  const kubelet: Kubelet = await startKubelet({ access: controlPlane.api.access, nodes: NODES });
  stops.push(() => kubelet.stop());
  const [webhookPort = 0] = await findFreePorts(1);
  const environment = new Environment(
    describe(controlPlane, { binary, webhookPort }),
    controlPlane.binaries.kubectl,
    () => Promise.resolve(),
  );
  await applyManifest(environment);
  const proxy = await startFaultProxy(controlPlane);
  stops.push(() => proxy.stop());
  const service = await ServiceProxy.start(webhookPort);
  stops.push(() => service.stop());
  const replicas: Replica[] = [];
  stops.push(() => Promise.all(replicas.map((replica) => replica.stop())));
  for (let index = 0; index < REPLICAS; index++) {
    const name = `replica-${index}`;
    const clock = "path" in library
      ? new JumpingClock(library.path, join(controlPlane.dir, `${name}.clock`))
      : undefined;
    replicas.push(await Replica.start({ environment, name, url: proxy.url, clock }));
  }
  stops.push(keepEndpoints(service, replicas));
  await waitFor("both replicas to be ready", {
    timeoutMs: READY_MS,
    everyMs: LOOK_EVERY_MS,
    check: async () => (await Promise.all(replicas.map((replica) => replica.isReady()))).every(Boolean),
    describe: () => replicas.map(({ controller }) => controller.logTail(10)).join("\n"),
  });
  const cluster = await Cluster.create(environment);
  return {
    controlPlane,
    environment,
    cluster,
    proxy,
    replicas,
    noClocks: "path" in library ? undefined : library.reason,
  };
}

/** The Service's endpoints are the replicas that are ready. */
function keepEndpoints(service: ServiceProxy, replicas: readonly Replica[]): () => Promise<void> {
  let isStopped = false;
  const run = async () => {
    while (!isStopped) {
      const ready = await Promise.all(replicas.map((replica) => replica.isReady()));
      service.setEndpoints(replicas.filter((_, index) => ready[index]).map(({ webhookPort }) => webhookPort));
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  };
  const running = run();
  return async () => {
    isStopped = true;
    await running;
  };
}
