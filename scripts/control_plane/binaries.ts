/** Where the control plane's binaries come from: the first place that has them all wins. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { BINARIES, type BinaryName, type ControlPlaneVersion } from "./versions.ts";

export type Binaries = Readonly<Record<BinaryName, string>>;

/** The user's cache folder of this project; survives fresh clones. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const base = env["XDG_CACHE_HOME"];
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "jobset-lite");
}

export function binariesFolder(version: ControlPlaneVersion): string {
  return join(cacheFolder(), `kubernetes-v${version.kubernetes}`);
}

/** The binaries of a folder, or undefined where one is missing. */
export function binariesIn(folder: string): Binaries | undefined {
  const paths = Object.fromEntries(BINARIES.map((name) => [name, join(folder, name)]));
  return Object.values(paths).every((path) => existsSync(path)) ? paths as Binaries : undefined;
}

export function findBinaries(version: ControlPlaneVersion, _report?: (line: string) => void): Promise<Binaries> {
  const found = binariesIn(process.env["KUBEBUILDER_ASSETS"] ?? "") ?? binariesIn(binariesFolder(version));
  if (found === undefined) return Promise.reject(new Error(`find the binaries of Kubernetes ${version.kubernetes}`));
  return Promise.resolve(found);
}
