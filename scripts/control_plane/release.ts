/** The official release binaries, each checked against the checksum that is published with it. */
import { createHash } from "node:crypto";
import { chmod, open, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Report } from "./binaries.ts";
import type { ControlPlaneVersion } from "./versions.ts";

/** A download from which nothing comes for this long is given up. */
const SILENCE_MS = 10_000;
const REPORT_EVERY_BYTES = 20 * 1024 * 1024;
const KUBERNETES_RELEASES = "https://dl.k8s.io";
const ETCD_RELEASES = "https://github.com/etcd-io/etcd/releases/download";

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

export async function downloadRelease(version: ControlPlaneVersion, target: string, report: Report): Promise<void> {
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== "linux" || architecture === undefined) {
    throw new Error(`download Kubernetes: no release for ${process.platform} on ${process.arch}`);
  }
  const names = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];
  for (const [index, name] of names.entries()) {
    const url = `${KUBERNETES_RELEASES}/v${version.kubernetes}/bin/linux/${architecture}/${name}`;
    report(`downloading ${name} ${version.kubernetes} (${index + 1} of ${names.length + 1})`);
    const sha256 = (await fetchText(`${url}.sha256`)).trim().split(/\s+/)[0] ?? "";
    await download(url, { file: join(target, name), sha256, report });
    await chmod(join(target, name), 0o755);
  }
  report(`downloading etcd ${version.etcd} (${names.length + 1} of ${names.length + 1})`);
  await downloadEtcd(version, architecture, { target, report });
}

async function downloadEtcd(
  version: ControlPlaneVersion,
  architecture: string,
  to: { readonly target: string; readonly report: Report },
): Promise<void> {
  const folder = `etcd-v${version.etcd}-linux-${architecture}`;
  const base = `${ETCD_RELEASES}/v${version.etcd}`;
  const sums = await fetchText(`${base}/SHA256SUMS`);
  const line = sums.split("\n").find((entry) => entry.trimEnd().endsWith(`${folder}.tar.gz`));
  if (line === undefined) throw new Error(`download etcd ${version.etcd}: its SHA256SUMS has no ${folder}.tar.gz`);
  const archive = join(dirname(to.target), `${folder}.tar.gz`);
  await download(`${base}/${folder}.tar.gz`, {
    file: archive,
    sha256: line.split(/\s+/)[0] ?? "",
    report: to.report,
  });
  const tar = Bun.spawnSync(["tar", "-xzf", archive, "-C", to.target, "--strip-components=1", `${folder}/etcd`]);
  if (tar.exitCode !== 0) throw new Error(`unpack ${basename(archive)}: ${tar.stderr.toString().trim()}`);
  await rm(archive);
}

export interface DownloadOptions {
  readonly file: string;
  readonly sha256: string;
  readonly report: Report;
  readonly silenceMs?: number;
}

/** Downloads a file; throws where its checksum differs, or where the server is silent for too long. */
export async function download(url: string, options: DownloadOptions): Promise<void> {
  const silence = silenceTimer(url, options.silenceMs ?? SILENCE_MS);
  const handle = await open(options.file, "w");
  try {
    const response = await race(silence, fetch(url, { signal: silence.signal }));
    if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`);
    const reader = response.body.getReader();
    const hash = createHash("sha256");
    for (let bytes = 0, told = 0;;) {
      const { done, value } = await race(silence, reader.read());
      if (done) break;
      silence.heard();
      hash.update(value);
      await handle.write(value);
      bytes += value.length;
      if (bytes - told < REPORT_EVERY_BYTES) continue;
      told = bytes;
      options.report(`  ${Math.round(bytes / 2 ** 20)} of ${totalOf(response)} MB`);
    }
    const found = hash.digest("hex");
    if (found !== options.sha256) throw new Error(`checksum "${found}" is not "${options.sha256}"`);
  } catch (error) {
    throw new Error(`download ${url}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    silence.end();
    await handle.close();
  }
}

async function fetchText(url: string): Promise<string> {
  const silence = silenceTimer(url, SILENCE_MS);
  try {
    const response = await race(silence, fetch(url, { signal: silence.signal }));
    if (!response.ok) throw new Error(`answered ${response.status}`);
    return await race(silence, response.text());
  } catch (error) {
    throw new Error(`download ${url}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    silence.end();
  }
}

interface Silence {
  readonly signal: AbortSignal;
  readonly isOver: Promise<never>;
  heard(): void;
  end(): void;
}

function silenceTimer(url: string, silenceMs: number): Silence {
  const abort = new AbortController();
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => {}); // it may be over when nobody waits any longer
  const give = () => {
    const error = new Error(`silent for ${silenceMs / 1000} s`, { cause: url });
    over.reject(error);
    abort.abort(error);
  };
  let timer = setTimeout(give, silenceMs);
  return {
    signal: abort.signal,
    isOver: over.promise,
    heard() {
      clearTimeout(timer);
      timer = setTimeout(give, silenceMs);
    },
    end: () => clearTimeout(timer),
  };
}

/** fetch does not always notice its signal while a name is looked up or a connection is made. */
function race<T>(silence: Silence, work: Promise<T>): Promise<T> {
  return Promise.race([work, silence.isOver]);
}

function totalOf(response: Response): string {
  const length = Number(response.headers.get("content-length"));
  return length > 0 ? String(Math.round(length / 2 ** 20)) : "?";
}
