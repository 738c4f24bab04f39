/** Lays out the root filesystem of an image in a folder: the executable and nothing that it does not need. */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../steps.ts";
import type { Component } from "./components.ts";
import { LIBRARIES, type Platform } from "./platforms.ts";

/** Where programs look for the certificates of public authorities. */
export const CA_FILE = "etc/ssl/certs/ca-certificates.crt";

export interface RootParts {
  readonly platform: Platform;
  /** The compiled executable. */
  readonly binary: string;
  /** The unpacked Debian packages. */
  readonly libc: string;
  readonly caCertificates: string;
  readonly components: readonly Component[];
}

/** Fills an empty folder. */
export function writeRootFiles(root: string, { platform, binary, libc, caCertificates, components }: RootParts): void {
  copy(binary, join(root, "manager"), 0o755);
  // It does what the name says that it is called by (spec 6.5).
  for (const name of ["jobset", "kubectl-jobset", "in-place-restart-agent"]) symlinkSync("manager", join(root, name));
  // Where the runtime mounts them: a read-only root has no place for what is not there.
  for (const folder of ["proc", "tmp"]) mkdirSync(join(root, folder));
  copy(join(libc, platform.loader.inPackage), join(root, platform.loader.path), 0o755);
  for (const library of LIBRARIES) {
    copy(join(libc, platform.libraries, library), join(root, platform.libraries, library), 0o755);
  }
  write(join(root, CA_FILE), authorities(caCertificates));
  write(join(root, "etc/passwd"), "root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/:/none\n");
  write(join(root, "etc/group"), "root:x:0:\nnonroot:x:65532:\n");
  // Names first from the file that the kubelet mounts, then from DNS.
  write(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
  const licences = join(root, "usr/share/doc/jobset");
  write(join(licences, "LICENSE"), readFileSync(join(ROOT, "LICENSE"), "utf8"));
  write(join(licences, "THIRD-PARTY-LICENSES"), thirdPartyText(components));
  copy(join(libc, "usr/share/doc/libc6/copyright"), join(root, "usr/share/doc/libc6/copyright"), 0o644);
  copy(
    join(caCertificates, "usr/share/doc/ca-certificates/copyright"),
    join(root, "usr/share/doc/ca-certificates/copyright"),
    0o644,
  );
}

function authorities(caCertificates: string): string {
  const folder = join(caCertificates, "usr/share/ca-certificates/mozilla");
  return readdirSync(folder).filter((name) => name.endsWith(".crt")).sort()
    .map((name) => `${readFileSync(join(folder, name), "utf8").trim()}\n`).join("");
}

function thirdPartyText(components: readonly Component[]): string {
  return components.map(({ name, version, licence, texts }) => {
    const title = `${name} ${version}${licence === undefined ? "" : ` (${licence})`}`;
    return [title, "=".repeat(title.length), ...texts.map((text) => text.trim()), ""].join("\n\n");
  }).join("\n");
}

function copy(from: string, to: string, mode: number): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(realpathSync(from), to);
  chmodSync(to, mode);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o644);
}
