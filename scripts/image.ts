/**
 * `npm run image`: makes an OCI image from nothing: the executable, the C library that it needs, certificates of public
 * authorities, licence texts. Two builds of one commit give one digest.
 *
 *   npm run image -- [--arch amd64,arm64] [--gzip] [--archive] [--image NAME:TAG]
 *
 * It leaves dist/image (an OCI layout) with a list of components (SBOM) per architecture beside it, and with --archive a tarball
 * per architecture for `docker load` or `ctr images import`.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { thisVersion } from "../src/base/version.ts";
import { buildFor } from "./build.ts";
import { fetchDebianPackage } from "./debian_package.ts";
import { bunComponent, type Component, npmComponents } from "./image/components.ts";
import { type Compression, type Layer, layerOf, OciLayout, type WrittenImage } from "./image/oci.ts";
import { type Architecture, CA_CERTIFICATES, type Platform, PLATFORMS } from "./image/platforms.ts";
import { CA_FILE, writeRootFiles } from "./image/root_files.ts";
import { sbom } from "./image/sbom.ts";
import { ROOT } from "./steps.ts";

export interface ImageOptions {
  readonly architectures: readonly Architecture[];
  readonly compression: Compression;
  /** The name and tag that it is imported under. */
  readonly reference: string;
  /** Also write a tarball for each architecture. */
  readonly hasArchives: boolean;
  readonly report: (line: string) => void;
}

export interface BuiltImage {
  /** Of the index, or of the manifest where there is one architecture. */
  readonly digest: string;
  readonly layout: string;
  readonly archives: readonly string[];
}

/** The user that the controller runs as: no name in any cluster, and not root. */
const USER = "65532:65532";

/** What `jobset manifests` names unless told otherwise (spec 6.5). */
export function defaultReference(): string {
  return `localhost/jobset-lite/jobset:v${thisVersion().version}`;
}

/** Builds the image into dist/image, which it empties first. */
export async function buildImage(options: ImageOptions): Promise<BuiltImage> {
  const { architectures, reference, report } = options;
  const folder = join(ROOT, "dist", "image");
  rmSync(folder, { recursive: true, force: true });
  const layout = new OciLayout(folder);
  const images: WrittenImage[] = [];
  const archives: string[] = [];
  for (const architecture of architectures) {
    const platform = PLATFORMS[architecture];
    const components = [...npmComponents(), bunComponent(), ...debianComponents(platform)];
    const layer = layerOf(await rootTar(platform, components, report), options.compression);
    const image = addTo(layout, layer, architecture);
    images.push(image);
    const { version } = thisVersion();
    const bom = sbom({ version, architecture, digest: image.manifest.digest, components });
    writeFileSync(join(ROOT, "dist", `image-${architecture}.cdx.json`), bom);
    const megabytes = (image.layer.size / 1024 / 1024).toFixed(1);
    report(`image ${architecture}: ${image.manifest.digest}, ${megabytes} MB compressed with ${options.compression}`);
    if (options.hasArchives) archives.push(await archive(layer, architecture, options));
  }
  const { digest } = layout.finish(images, reference);
  return { digest, layout: folder, archives };
}

function addTo(layout: OciLayout, layer: Layer, architecture: Architecture): WrittenImage {
  return layout.addImage({
    architecture,
    layer,
    entrypoint: ["/manager"],
    env: ["PATH=/", `SSL_CERT_FILE=/${CA_FILE}`],
    user: USER,
    labels: {
      "org.opencontainers.image.title": "jobset-lite",
      "org.opencontainers.image.version": thisVersion().version,
      "org.opencontainers.image.licenses": "Apache-2.0",
    },
  });
}

/** The root filesystem as a tar of fixed order, owners and times. */
async function rootTar(platform: Platform, components: readonly Component[], report: (line: string) => void) {
  const [binary, libc, caCertificates] = await Promise.all([
    buildFor(platform.target, report),
    fetchDebianPackage(platform.libc, report),
    fetchDebianPackage(CA_CERTIFICATES, report),
  ]);
  const root = mkdtempSync(join(tmpdir(), "jobset-lite-image-"));
  try {
    writeRootFiles(root, { platform, binary, libc, caCertificates, components });
    return await tarOf(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function tarOf(folder: string): Promise<Uint8Array> {
  const equal = ["--sort=name", "--format=ustar", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  // Folders get one mode, whatever the umask: files have theirs already.
  const command = ["tar", ...equal, "--mode=go=rX,u+w", "-C", folder, "-cf", "-", "."];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [bytes, problem, code] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`tar ${folder}: ${problem.trim()}`);
  return bytes;
}

/** One file with one architecture's image, which docker, podman and containerd all import. */
async function archive(layer: Layer, architecture: Architecture, options: ImageOptions): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "jobset-lite-archive-"));
  const file = join(ROOT, "dist", `image-${architecture}.tar`);
  try {
    const layout = new OciLayout(folder);
    const image = addTo(layout, layer, architecture);
    layout.finish([image], options.reference);
    layout.addDockerManifest(image, options.reference);
    await Bun.write(file, await tarOf(folder));
    options.report(`archive ${architecture}: ${file.slice(ROOT.length + 1)}, ${statSync(file).size} bytes`);
    return file;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function debianComponents({ libc }: Platform): readonly Component[] {
  return [libc, CA_CERTIFICATES].map(({ name, version, arch }) => ({
    name,
    version,
    licence: name === "libc6" ? "LGPL-2.1-or-later" : "MPL-2.0",
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}&distro=bookworm`,
    texts: [],
  }));
}

function readArchitectures(text: string): readonly Architecture[] {
  return text.split(",").map((name) => {
    if (name === "amd64" || name === "arm64") return name;
    throw new Error(`--arch: "${name}" is neither amd64 nor arm64`);
  });
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: {
        arch: { type: "string", default: "amd64,arm64" },
        gzip: { type: "boolean", default: false },
        archive: { type: "boolean", default: false },
        image: { type: "string", default: defaultReference() },
      },
    });
    mkdirSync(join(ROOT, "dist"), { recursive: true });
    const { digest } = await buildImage({
      architectures: readArchitectures(values.arch),
      compression: values.gzip ? "gzip" : "zstd",
      reference: values.image,
      hasArchives: values.archive,
      report: (line) => console.log(line),
    });
    console.log(`${values.image}@${digest}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}
