/** The one list of Kubernetes minors that are tested, with the exact versions of their parts; go_modules/ has a folder of each. */
export interface ControlPlaneVersion {
  /** `1.36`, as it is named on a command line. */
  readonly minor: string;
  /** `1.36.3` */
  readonly kubernetes: string;
  readonly etcd: string;
}

export const VERSIONS: readonly ControlPlaneVersion[] = [
  { minor: "1.36", kubernetes: "1.36.3", etcd: "3.7.3" },
  { minor: "1.35", kubernetes: "1.35.4", etcd: "3.6.16" },
  { minor: "1.34", kubernetes: "1.34.4", etcd: "3.6.16" },
];

/** The files that make a control plane; `kubectl` goes with them. */
export const BINARIES = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"] as const;
export type BinaryName = typeof BINARIES[number];

/** The version of a minor such as `1.36`, or the newest one where none is named. */
export function findVersion(minor?: string): ControlPlaneVersion {
  const found = minor === undefined ? VERSIONS[0] : VERSIONS.find((version) => version.minor === minor);
  if (found !== undefined) return found;
  throw new Error(
    `choose a control plane: Kubernetes "${minor}" is not one of ${VERSIONS.map((v) => v.minor).join(", ")}`,
  );
}
