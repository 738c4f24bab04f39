export interface BuildIdentity {
  readonly version: string;
  /** The full commit; its first seven digits are shown. */
  readonly commit: string;
  /** As Node names them: `process.platform`, `process.arch`. */
  readonly platform: string;
  readonly arch: string;
}

/** `jobset/<version> (<os>/<arch>) <commit7>`, with Go's names of system and machine: audit logs and flow rules see it. */
export function userAgent(build: BuildIdentity): string {
  const os = build.platform === "win32" ? "windows" : build.platform;
  const arch = build.arch === "x64" ? "amd64" : build.arch;
  return `jobset/${build.version} (${os}/${arch}) ${build.commit.slice(0, 7)}`;
}
