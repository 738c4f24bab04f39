/** What an image of each architecture is made of; versions and digests are pinned, so that two builds are equal. */
import type { Target } from "../build.ts";
import type { DebianPackage } from "../debian_package.ts";

/** In Docker's words. */
export type Architecture = "amd64" | "arm64";

export interface Platform {
  readonly architecture: Architecture;
  readonly target: Target;
  /** Where the executable looks for its loader, and where the package keeps it. */
  readonly loader: { readonly path: string; readonly inPackage: string };
  /** The folder of the C library. */
  readonly libraries: string;
  readonly libc: DebianPackage;
}

/** What the executable is linked with, beside the loader. */
export const LIBRARIES = ["libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0"];

export const CA_CERTIFICATES: DebianPackage = {
  name: "ca-certificates",
  version: "20250419~deb12u2",
  arch: "all",
  sha256: "b9f76b5271a7ac373fd5e7e1b5b826a71ddd702b42a0d104955ecb1acfffc94b",
};

export const PLATFORMS: Readonly<Record<Architecture, Platform>> = {
  amd64: {
    architecture: "amd64",
    // Old processors too: the image is one for all.
    target: "linux-x64-baseline",
    loader: {
      path: "lib64/ld-linux-x86-64.so.2",
      inPackage: "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    },
    libraries: "lib/x86_64-linux-gnu",
    libc: {
      name: "libc6",
      version: "2.36-9+deb12u14",
      arch: "amd64",
      sha256: "ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf",
    },
  },
  arm64: {
    architecture: "arm64",
    target: "linux-arm64",
    loader: { path: "lib/ld-linux-aarch64.so.1", inPackage: "lib/aarch64-linux-gnu/ld-linux-aarch64.so.1" },
    libraries: "lib/aarch64-linux-gnu",
    libc: {
      name: "libc6",
      version: "2.36-9+deb12u14",
      arch: "arm64",
      sha256: "01f4330719fd4f65580e16ea5a0527f372fca750e8f588d26deaf09f2d3b1cf4",
    },
  },
};
