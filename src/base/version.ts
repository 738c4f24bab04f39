import manifest from "../../package.json" with { type: "json" };

/** Set by the build (`--define`); a run from source has none. */
declare const JOBSET_COMMIT: string | undefined;

/** What `jobset version` tells and the User-Agent is made of (spec 6.6). */
export interface Version {
  readonly version: string;
  /** The commit that the executable was built from, `unknown` when run from source. */
  readonly commit: string;
  /** `os/arch` in Kubernetes' words, such as `linux/amd64`. */
  readonly platform: string;
}

/** The version of this executable. */
export function thisVersion(): Version {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  return {
    version: manifest.version,
    commit: typeof JOBSET_COMMIT === "undefined" ? "unknown" : JOBSET_COMMIT,
    platform: `${process.platform}/${arch}`,
  };
}

/** `jobset/<version> (<os>/<arch>) <commit7>` (spec 6.6). */
export function userAgent({ version, commit, platform }: Version): string {
  return `jobset/${version} (${platform}) ${commit.slice(0, 7)}`;
}
