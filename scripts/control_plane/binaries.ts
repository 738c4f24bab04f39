/**
 * Where the control plane's binaries come from; the first place that has them all wins: KUBEBUILDER_ASSETS, the cache folder,
 * PATH (the right version only), the official release, a build with Go.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { buildWithGo } from "./go_build.ts";
import { fillFolder } from "./cache.ts";
import { downloadRelease } from "./release.ts";
import { BINARIES, type BinaryName, type ControlPlaneVersion } from "./versions.ts";

export type Binaries = Readonly<Record<BinaryName, string>>;
export type Report = (line: string) => void;

/** What the machine has, handed in so that the order can be tested. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  isThere(path: string): boolean;
  which(name: string): string | undefined;
  /** What `--version` or the like prints. */
  versionText(path: string): string;
}

export function thisMachine(): Machine {
  return {
    env: process.env,
    isThere: existsSync,
    which: (name) => Bun.which(name) ?? undefined,
    versionText(path) {
      const args = path.endsWith("kubectl") ? ["version", "--client"] : ["--version"];
      return Bun.spawnSync([path, ...args]).stdout.toString();
    },
  };
}

/** The user's cache folder of this project; it survives fresh clones. */
export function cacheFolder(env: Machine["env"]): string {
  const base = env["XDG_CACHE_HOME"];
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "jobset-lite");
}

/** The binaries where they are already, without fetching or building any. */
export function locateBinaries(version: ControlPlaneVersion, machine: Machine, report: Report): Binaries | undefined {
  const assets = machine.env["KUBEBUILDER_ASSETS"];
  if (assets !== undefined && assets !== "") {
    const found = inFolder(assets, machine);
    if (found !== undefined) return found;
    report(`KUBEBUILDER_ASSETS "${assets}" has not all of ${BINARIES.join(", ")}: looking elsewhere`);
  }
  return inFolder(cachedFolder(version, machine.env), machine) ?? onPath(version, machine);
}

/** The binaries, fetched or built where they are nowhere. */
export async function findBinaries(version: ControlPlaneVersion, report: Report = () => {}): Promise<Binaries> {
  const machine = thisMachine();
  const found = locateBinaries(version, machine, report);
  if (found !== undefined) return found;
  const folder = cachedFolder(version, machine.env);
  report(`Kubernetes ${version.kubernetes} and etcd ${version.etcd} are not on this machine yet; this happens once`);
  await fillFolder(folder, report, async (workFolder, target) => {
    try {
      await downloadRelease(version, target, report);
    } catch (error) {
      report(`${messageOf(error)}; building with Go instead`);
      await buildWithGo(version, { workFolder: join(workFolder, "go"), target, report });
    }
  });
  const filled = inFolder(folder, machine);
  if (filled === undefined) throw new Error(`find the control plane's binaries: "${folder}" is still not complete`);
  return filled;
}

function cachedFolder(version: ControlPlaneVersion, env: Machine["env"]): string {
  return join(cacheFolder(env), `kubernetes-v${version.kubernetes}`);
}

function inFolder(folder: string, machine: Machine): Binaries | undefined {
  return complete((name) => {
    const path = join(folder, name);
    return machine.isThere(path) ? path : undefined;
  });
}

function onPath(version: ControlPlaneVersion, machine: Machine): Binaries | undefined {
  return complete((name) => {
    const path = machine.which(name);
    if (path === undefined) return undefined;
    const wanted = name === "etcd" ? `etcd Version: ${version.etcd}` : `v${version.kubernetes}`;
    const isRight = machine.versionText(path).split("\n").some((line) => line.trimEnd().endsWith(wanted));
    return isRight ? path : undefined;
  });
}

function complete(find: (name: BinaryName) => string | undefined): Binaries | undefined {
  const [etcd, apiServer, manager, scheduler, kubectl] = BINARIES.map(find);
  if (etcd === undefined || apiServer === undefined || manager === undefined) return undefined;
  if (scheduler === undefined || kubectl === undefined) return undefined;
  return {
    etcd,
    "kube-apiserver": apiServer,
    "kube-controller-manager": manager,
    "kube-scheduler": scheduler,
    kubectl,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
