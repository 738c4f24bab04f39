/** An OCI image layout of one layer per image (opencontainers image-spec 1.1), the same bytes from the same files. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Architecture } from "./platforms.ts";

export type Compression = "zstd" | "gzip";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: Architecture; readonly os: "linux" };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageOptions {
  readonly architecture: Architecture;
  readonly layer: Layer;
  readonly entrypoint: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A root filesystem, ready to be written into any number of layouts. */
export interface Layer {
  readonly compression: Compression;
  readonly bytes: Uint8Array;
  /** Of the tar before it was compressed. */
  readonly diffId: string;
}

/** An image as it stands in a layout: its manifest, and what the layer takes on the wire. */
export interface WrittenImage {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layer: Descriptor;
}

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";
/** Images are made rarely and copied often. */
const ZSTD_LEVEL = 19;
/** Every file is of one age, whenever the image is built. */
const CREATED = "1970-01-01T00:00:00Z";

export class OciLayout {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(join(folder, "blobs", "sha256"), { recursive: true });
  }

  addImage({ architecture, layer: root, entrypoint, env, user, labels }: ImageOptions): WrittenImage {
    const layer = this.#blob(`${LAYER}+${root.compression}`, root.bytes);
    const platform = { architecture, os: "linux" } as const;
    const config = this.#json(CONFIG, {
      created: CREATED,
      ...platform,
      config: { User: user, Env: env, Entrypoint: entrypoint, WorkingDir: "/", Labels: labels },
      rootfs: { type: "layers", diff_ids: [root.diffId] },
      history: [{ created: CREATED, created_by: "scripts/image.ts" }],
    });
    const manifest = this.#json(MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] });
    return { manifest: { ...manifest, platform }, config, layer };
  }

  /** Names the images; several architectures stand behind one name. Its digest is the image's. */
  finish(images: readonly WrittenImage[], reference: string): Descriptor {
    const [only] = images;
    const named = images.length === 1 && only !== undefined
      ? only.manifest
      : this.#json(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: images.map(({ manifest }) => manifest) });
    const tag = reference.slice(reference.lastIndexOf(":") + 1);
    const annotations = { "io.containerd.image.name": reference, "org.opencontainers.image.ref.name": tag };
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...named, annotations }] };
    writeFileSync(join(this.#folder, "index.json"), JSON.stringify(index));
    writeFileSync(join(this.#folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    return named;
  }

  /** What an older `docker load` reads: one image of the layout, by the paths of its blobs. */
  addDockerManifest({ config, layer }: WrittenImage, reference: string): void {
    const entry = { Config: pathOf(config), RepoTags: [reference], Layers: [pathOf(layer)] };
    writeFileSync(join(this.#folder, "manifest.json"), JSON.stringify([entry]));
  }

  #json(mediaType: string, value: unknown): Descriptor {
    return this.#blob(mediaType, new TextEncoder().encode(JSON.stringify(value)));
  }

  #blob(mediaType: string, bytes: Uint8Array): Descriptor {
    const digest = digestOf(bytes);
    writeFileSync(join(this.#folder, pathOf({ digest })), bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

/** Compresses a tar. */
export function layerOf(tar: Uint8Array, compression: Compression): Layer {
  const bytes = compression === "gzip" ? gzipSync(tar, { level: 9 }) : Bun.zstdCompressSync(tar, { level: ZSTD_LEVEL });
  return { compression, bytes, diffId: digestOf(tar) };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function pathOf({ digest }: { readonly digest: string }): string {
  return join("blobs", ...digest.split(":"));
}
