/**
 * The control plane built from the Go modules `k8s.io/kubernetes` and `go.etcd.io/etcd`. A go.mod of our own (go_modules/) names
 * their versions, and its go.sum makes Go verify every checksum. Go's caches are in the work folder and go with it.
 */
import { cpSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "./binaries.ts";
import { ProcessGroup } from "./process_group.ts";
import type { ControlPlaneVersion } from "./versions.ts";

const REPORT_EVERY_MS = 10_000;
const LOG_LINES = 15;
/** Go names a binary after the last part of its path that is no version. */
const ETCD_BUILT_AS = "server";
const PACKAGES = [
  "go.etcd.io/etcd/server/v3",
  ...["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"].map((name) =>
    `k8s.io/kubernetes/cmd/${name}`
  ),
];

export interface GoBuildOptions {
  /** A folder that is removed afterwards; it grows to 5 GB. */
  readonly workFolder: string;
  /** Where the binaries go. */
  readonly target: string;
  readonly report: Report;
}

export async function buildWithGo(version: ControlPlaneVersion, options: GoBuildOptions): Promise<void> {
  const { workFolder, target, report } = options;
  const go = Bun.which("go");
  if (go === null) {
    throw new Error(
      `build Kubernetes ${version.kubernetes}: "go" is not on PATH; ` +
        "install Go, or set KUBEBUILDER_ASSETS to a folder that has the binaries",
    );
  }
  const module = join(workFolder, "module");
  cpSync(join(import.meta.dir, "go_modules", `v${version.minor}`), module, { recursive: true });
  mkdirSync(join(workFolder, "tmp"));
  const startedAt = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAt) / 1000)} s`;
  const runner = new GoRunner(go, module, workFolder);
  const names = `Kubernetes ${version.kubernetes} and etcd ${version.etcd}`;
  report(`building ${names} with Go: 5 to 10 minutes on 2 cores, and 5 GB of disk meanwhile`);
  try {
    const dependencies = await runner.run(["list", "-mod=readonly", "-deps", ...PACKAGES], (lines) => {
      const fetched = lines.filter((line) => line.startsWith("go: downloading")).length;
      report(`  fetched ${fetched} Go modules, ${elapsed()}`);
    });
    const total = dependencies.filter((line) => !line.startsWith("go: ")).length;
    const flags = ["-mod=readonly", "-trimpath", "-v", `-ldflags=${linkerFlags(version)}`, "-o", `${target}/`];
    await runner.run(["build", ...flags, ...PACKAGES], (lines) => {
      report(`  compiled ${Math.min(lines.length, total)} of ${total} packages, ${elapsed()}`);
    });
  } finally {
    await runner.stop();
  }
  renameSync(join(target, ETCD_BUILT_AS), join(target, "etcd"));
  report(`built the control plane in ${elapsed()}`);
}

/** Runs Go with caches of its own, which end with it. */
export class GoRunner {
  readonly #go: string;
  readonly #module: string;
  readonly #workFolder: string;
  readonly #group: ProcessGroup;

  constructor(go: string, module: string, workFolder: string) {
    this.#go = go;
    this.#module = module;
    this.#workFolder = workFolder;
    this.#group = new ProcessGroup(workFolder);
  }

  /** The lines that it printed; `progress` is told of them now and then. */
  async run(args: readonly string[], progress: (lines: readonly string[]) => void): Promise<readonly string[]> {
    const folder = (name: string) => join(this.#workFolder, name);
    const logFile = folder(`${args[0]}.log`);
    const child = this.#group.spawn([this.#go, ...args], {
      logFile,
      cwd: this.#module,
      env: {
        CGO_ENABLED: "0",
        GOCACHE: folder("cache"),
        GOMODCACHE: folder("modules"),
        GOTMPDIR: folder("tmp"),
        GOFLAGS: `${process.env["GOFLAGS"] ?? ""} -modcacherw`.trim(),
        GOWORK: "off",
      },
    });
    const lines = () => readFileSync(logFile, "utf8").split("\n").filter((line) => line !== "");
    const timer = setInterval(() => progress(lines()), REPORT_EVERY_MS);
    const code = await child.exited;
    clearInterval(timer);
    if (code !== 0) throw new Error(`go ${args[0]}: exit code ${code}. Its last words:\n${child.lastLines(LOG_LINES)}`);
    return lines();
  }

  /** Ends Go and removes its caches. */
  stop(): Promise<void> {
    return this.#group.stop();
  }
}

/** Without gitVersion the API server would say v0.0.0. */
function linkerFlags(version: ControlPlaneVersion): string {
  const [major = "", minor = ""] = version.kubernetes.split(".");
  const values = { gitVersion: `v${version.kubernetes}`, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  const flags = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((name) =>
    Object.entries(values).map(([key, value]) => `-X ${name}.${key}=${value}`)
  );
  return ["-s", "-w", ...flags].join(" ");
}
