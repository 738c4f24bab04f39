import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asArray, asString, at } from "../../src/base/json.ts";
import { buildImage, type BuiltImage } from "../../scripts/image.ts";
import { fetchDebianPackage } from "../../scripts/debian_package.ts";

const REFERENCE = "localhost/jobset-lite/jobset:test";
/** Runs arm64 executables; nothing of it is in an image. */
const EMULATOR = {
  name: "qemu-user-static",
  version: "1:7.2+dfsg-7+deb12u18+b3",
  arch: "amd64",
  sha256: "c3e3ba2bd87f8c5b9a5da5ef21b5a3b82d7c63b89dd448d9ddaa4eabc5b6e402",
};

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function build(architecture: "amd64" | "arm64"): Promise<BuiltImage> {
  return buildImage({
    architectures: [architecture],
    compression: "gzip",
    reference: REFERENCE,
    hasArchives: false,
    report: () => {},
  });
}

/** The only layer of a layout, checked against its digest and unpacked into a folder of its own. */
function unpack({ layout }: BuiltImage): string {
  const blob = (digest: string) => {
    const bytes = readFileSync(join(layout, "blobs", ...digest.split(":")));
    expect(`sha256:${createHash("sha256").update(bytes).digest("hex")}`).toBe(digest);
    return bytes;
  };
  const digestOf = (value: unknown) => asString(at(value, "digest")) ?? "";
  const index: unknown = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const manifest: unknown = JSON.parse(blob(digestOf(asArray(at(index, "manifests"))[0])).toString());
  const root = mkdtempSync(join(tmpdir(), "jobset-lite-root-"));
  folders.push(root);
  const layer = blob(digestOf(asArray(at(manifest, "layers"))[0]));
  const tar = Bun.spawnSync(["tar", "-xzpf", "-", "-C", root], { stdin: layer });
  expect(tar.exitCode).toBe(0);
  return root;
}

/** Runs a command in the root, which is all there is but /proc: read-only, as the image's user, in namespaces of its own. */
function runInside(root: string, command: readonly string[], mounts: readonly string[] = []) {
  const script = [
    `mount --bind "${root}" "${root}"`,
    ...mounts,
    `mount -t proc proc "${root}/proc"`,
    `mount -o remount,ro,bind "${root}"`,
    `exec chroot --userspec=65532:65532 "${root}" "$@"`,
  ].join(" && ");
  const child = Bun.spawnSync(["unshare", "--mount", "--pid", "--fork", "sh", "-c", script, "sh", ...command], {
    env: { PATH: process.env["PATH"] },
  });
  return { code: child.exitCode, out: child.stdout.toString(), error: child.stderr.toString() };
}

test("the image's root runs by itself: read-only, as nobody, by each of its names", async () => {
  const root = unpack(await build("amd64"));
  expect(readdirSync(root).sort()).toEqual(
    ["etc", "in-place-restart-agent", "jobset", "kubectl-jobset", "lib", "lib64", "manager", "proc", "tmp", "usr"]
      .sort(),
  );
  const version = runInside(root, ["/jobset", "version"]);
  expect(version).toMatchObject({ code: 0, error: "" });
  expect(version.out).toStartWith("jobset ");
  // `manager` is the controller: without a cluster it says so in one line.
  const controller = runInside(root, ["/manager", "--kubeconfig=/nowhere"]);
  expect(controller.code).toBe(1);
  expect(controller.error).toContain("/nowhere");
}, 300_000);

test("two builds of the image are equal", async () => {
  const first = await build("amd64");
  for (const stamp of readdirSync("dist").filter((name) => name.endsWith(".inputs") && name !== "jobset.inputs")) {
    rmSync(join("dist", stamp)); // so that the executable is compiled again
  }
  expect((await build("amd64")).digest).toBe(first.digest);
}, 300_000);

test("the arm64 image runs", async () => {
  const emulator = join(await fetchDebianPackage(EMULATOR), "usr/bin/qemu-aarch64-static");
  expect(existsSync(emulator)).toBe(true);
  const root = unpack(await build("arm64"));
  mkdirSync(join(root, "emulator"));
  const mount = `mount --bind "${join(emulator, "..")}" "${root}/emulator"`;
  const version = runInside(root, ["/emulator/qemu-aarch64-static", "-0", "jobset", "/manager", "version"], [mount]);
  expect(version).toMatchObject({ code: 0, error: "" });
  expect(version.out).toContain("(linux/arm64)");
}, 300_000);
