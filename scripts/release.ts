/**
 * `npm run release`: everything that a release consists of, in dist/release: the executable for each kind of machine, image
 * tarballs with their lists of components, the install manifest, the CRD alone, the systemd unit, and their checksums.
 */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { buildBinary, buildFor, type Target } from "./build.ts";
import { executableHeader } from "./executable_header.ts";
import { buildImage, defaultReference } from "./image.ts";
import { ROOT } from "./steps.ts";

const TARGETS: readonly Target[] = [
  "linux-x64",
  "linux-x64-baseline",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
];

const FOLDER = join(ROOT, "dist", "release");

async function release(report: (line: string) => void): Promise<void> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const target of TARGETS) {
    const binary = await buildFor(target, report);
    await checkHeader(binary, target);
    take(binary);
  }
  const architectures = ["amd64", "arm64"] as const;
  const { digest, archives } = await buildImage({
    architectures,
    compression: "zstd",
    reference: defaultReference(),
    hasArchives: true,
    report,
  });
  for (const file of archives) take(file);
  for (const architecture of architectures) take(join(ROOT, "dist", `image-${architecture}.cdx.json`));
  const binary = await buildBinary(report);
  write("jobset.yaml", await printed([binary, "manifests"]));
  write("jobset-crds.yaml", await printed([binary, "manifests", "--crds-only"]));
  take(join(ROOT, "packaging", "jobset.service"));
  take(join(ROOT, "LICENSE"));
  write("SHA256SUMS", checksums());
  report(`dist/release is complete; image ${defaultReference()}@${digest}`);
}

/** A cross compiler that takes the wrong runtime would be found out only by users. */
async function checkHeader(binary: string, target: Target): Promise<void> {
  const found = executableHeader(new Uint8Array(await Bun.file(binary).slice(0, 64).arrayBuffer()));
  const wanted = target.split("-").slice(0, 2).join("-");
  if (found !== wanted) throw new Error(`release ${target}: the executable is for ${found ?? "no machine"}`);
}

function take(file: string): void {
  copyFileSync(file, join(FOLDER, basename(file)));
}

function write(name: string, text: string): void {
  writeFileSync(join(FOLDER, name), text);
}

/** As `sha256sum --check` reads them. */
function checksums(): string {
  return readdirSync(FOLDER).sort()
    .map((name) => `${createHash("sha256").update(readFileSync(join(FOLDER, name))).digest("hex")}  ${name}\n`)
    .join("");
}

async function printed(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, problem, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.slice(1).join(" ")}: ${problem.trim()}`);
  return out;
}

try {
  await release((line) => console.log(line));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
