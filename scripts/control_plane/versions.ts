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

/** Names the minor for whatever a process starts that does not choose one itself: `npm run e2e -- --kubernetes 1.34`. */
export const MINOR_VARIABLE = "JOBSET_KUBERNETES";

/** The version of a minor such as `1.36`; where none is named, that of the environment, or else the newest one. */
export function findVersion(minor: string | undefined = process.env[MINOR_VARIABLE]): ControlPlaneVersion {
  const found = minor === undefined ? VERSIONS[0] : VERSIONS.find((version) => version.minor === minor);
  if (found !== undefined) return found;
  throw new Error(
    `choose a control plane: Kubernetes "${minor}" is not one of ${VERSIONS.map((v) => v.minor).join(", ")}`,
  );
}
