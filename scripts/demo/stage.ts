/** Everything that a demo needs: the control plane with its Nodes, the CRD, the role, and the compiled controller. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../../src/base/json.ts";
import { buildBinary } from "../build.ts";
import { type ControlPlane, startControlPlane } from "../control_plane.ts";
import { findFreePorts } from "../control_plane/ports.ts";
import type { GuardedProcess } from "../control_plane/process_group.ts";
import { waitFor } from "../control_plane/wait.ts";
import { type Kubelet, startKubelet } from "../kubelet.ts";
import type { FateTable } from "../kubelet/fate.ts";
import { processMaker } from "../kubelet/process_container.ts";

const NODES = 3;
const VOLUMES = 8;
const START_TIMEOUT_MS = 30_000;
const STOP_GRACE_MS = 3_000;
const LOG_LINES = 10;
const ROOT = join(import.meta.dir, "..", "..");
const NAMESPACE = "jobset-system";
const SERVICE_ACCOUNT = "jobset-controller-manager";

export interface StageOptions {
  readonly fates: FateTable;
  /** Nodes of three zones in turn; 3 where absent. */
  readonly nodes?: number;
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** A step begins. */
  readonly step: (line: string) => void;
  /** How far it is. */
  readonly report: (line: string) => void;
}

export async function setUpStage(options: StageOptions): Promise<Stage> {
  const { fates, nodes = NODES, featureGates = {}, step, report } = options;
  step("build the executable");
  const binary = await buildBinary(report);
  step("start a Kubernetes control plane");
  const controlPlane = await startControlPlane({ crds: [join(ROOT, "crds/jobset.x-k8s.io_jobsets.yaml")], report });
  let kubelet: Kubelet | undefined;
  try {
    step(`register ${nodes} Nodes, install what 'jobset manifests' prints`);
    const { api, dir, processes: group } = controlPlane;
    const makeProcess = processMaker({ api, binary, dir, group });
    kubelet = await startKubelet({ access: api.access, nodes, fates, makeProcess, report });
    const [probePort = 0, webhookPort = 0] = await findFreePorts(2);
    await install(controlPlane, { binary, webhookPort });
    step("start the controller");
    const controller = await startController(controlPlane, { binary, probePort, webhookPort, featureGates });
    return new Stage(controlPlane, kubelet, controller);
  } catch (error) {
    await kubelet?.stop();
    await controlPlane.stop();
    throw error;
  }
}

export class Stage {
  readonly controlPlane: ControlPlane;
  readonly controller: GuardedProcess;
  readonly kubelet: Kubelet;

  constructor(controlPlane: ControlPlane, kubelet: Kubelet, controller: GuardedProcess) {
    this.controlPlane = controlPlane;
    this.controller = controller;
    this.kubelet = kubelet;
  }

  async stop(): Promise<void> {
    await this.controller.stop("SIGTERM", STOP_GRACE_MS);
    await this.kubelet.stop();
    await this.controlPlane.stop();
  }
}

/** As on a head node: no Pod could run the controller here, so that the API server calls its webhooks by a URL. */
async function install(
  controlPlane: ControlPlane,
  { binary, webhookPort }: { readonly binary: string; readonly webhookPort: number },
): Promise<void> {
  const printed = Bun.spawnSync([binary, "manifests", "--webhook-url", `https://127.0.0.1:${webhookPort}`]);
  if (printed.exitCode !== 0) throw new Error(`print the install manifest: ${printed.stderr.toString().trim()}`);
  const flags = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
  await controlPlane.mustKubectl(flags, printed.stdout.toString());
  await controlPlane.mustKubectl(["apply", "-f", "-"], JSON.stringify(volumes()));
}

/** For claims without a storage class; nothing is ever mounted. */
function volumes(): JsonObject {
  const items = Array.from({ length: VOLUMES }, (_, index) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `demo-${index}` },
    spec: {
      capacity: { storage: "1Ti" },
      accessModes: ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"],
      persistentVolumeReclaimPolicy: "Retain",
      hostPath: { path: "/nowhere" },
    },
  }));
  return { apiVersion: "v1", kind: "List", items };
}

/** Runs as the ServiceAccount that the manifests give it, not as the administrator. */
async function startController(
  controlPlane: ControlPlane,
  { binary, probePort, webhookPort, featureGates }: {
    readonly binary: string;
    readonly probePort: number;
    readonly webhookPort: number;
    readonly featureGates: Readonly<Record<string, boolean>>;
  },
): Promise<GuardedProcess> {
  const kubeconfig = await controlPlane.serviceAccountKubeconfig(NAMESPACE, SERVICE_ACCOUNT);
  const config = join(controlPlane.dir, "jobset.yaml");
  const probes = `127.0.0.1:${probePort}`;
  writeFileSync(config, configuration({ webhookPort, probes, featureGates }));
  const controller = controlPlane.processes.spawn(
    [binary, "controller", "--kubeconfig", kubeconfig, "--config", config],
    { logFile: join(controlPlane.dir, "jobset.log"), cwd: controlPlane.dir },
  );
  await waitFor("the controller to be ready", {
    timeoutMs: START_TIMEOUT_MS,
    describe: () => controller.lastLines(LOG_LINES),
    check: async () => {
      if (!controller.isRunning()) {
        throw new Error(`start the controller: it ended:\n${controller.lastLines(LOG_LINES)}`);
      }
      return await isReady(`http://${probes}/readyz`);
    },
  });
  return controller;
}

function configuration(
  { webhookPort, probes, featureGates }: {
    readonly webhookPort: number;
    readonly probes: string;
    readonly featureGates: Readonly<Record<string, boolean>>;
  },
): string {
  return `apiVersion: config.jobset.x-k8s.io/v1alpha1
kind: Configuration
webhook:
  host: 127.0.0.1
  port: ${webhookPort}
health:
  healthProbeBindAddress: ${probes}
metrics:
  bindAddress: "0"
featureGates: ${JSON.stringify(featureGates)}
`;
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // refused while it starts
  }
}
