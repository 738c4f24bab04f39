/** Files of pinned Debian packages, of any architecture, without installing anything: for images and tests. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./control_plane/binaries.ts";
import { fillFolder } from "./control_plane/cache.ts";

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** `amd64`, `arm64` or `all`. */
  readonly arch: string;
  readonly sha256: string;
}

const TIMEOUT_MS = 300_000;

/**
 * The folder that the package is unpacked in. It is downloaded once, from where this machine's apt takes its packages, and
 * its digest is checked. Throws one line that says what failed: a mirror keeps only the newest version of a package.
 */
export async function fetchDebianPackage(
  wanted: DebianPackage,
  report: (line: string) => void = () => {},
): Promise<string> {
  const { name, version, arch, sha256 } = wanted;
  const folder = join(cacheFolder(process.env), "debian", `${name}_${version}_${arch}_${sha256.slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  report(`fetching Debian's ${name} ${version} ${arch}`);
  await fillFolder(folder, report, async (workFolder, target) => {
    const file = await download(wanted, workFolder);
    const found = createHash("sha256").update(readFileSync(file)).digest("hex");
    if (found !== sha256) {
      throw new Error(`fetch Debian's ${name} ${version} ${arch}: its SHA-256 is ${found}, not ${sha256} as committed`);
    }
    await run(["dpkg-deb", "-x", file, target], workFolder);
  });
  return folder;
}

async function download({ name, version, arch }: DebianPackage, work: string): Promise<string> {
  // Lists and caches of our own: the machine's are for its own architecture, and may be missing.
  for (const path of ["state/lists/partial", "cache/archives/partial", "out"]) {
    mkdirSync(join(work, path), { recursive: true });
  }
  writeFileSync(join(work, "status"), "");
  const architecture = arch === "all" ? "amd64" : arch;
  const options = [
    `APT::Architecture=${architecture}`,
    `APT::Architectures::=${architecture}`,
    `Dir::State=${join(work, "state")}`,
    `Dir::State::status=${join(work, "status")}`,
    `Dir::Cache=${join(work, "cache")}`,
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  const out = join(work, "out");
  await run(["apt-get", "--quiet", ...options, "update"], out);
  await run(["apt-get", "--quiet", ...options, "download", `${name}=${version}`], out);
  const [file] = readdirSync(out);
  if (file === undefined) throw new Error(`fetch Debian's ${name} ${version} ${arch}: apt-get downloaded nothing`);
  return join(out, file);
}

async function run(command: readonly string[], cwd: string): Promise<void> {
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: TIMEOUT_MS });
  } catch (cause) {
    throw new Error(`${command[0]}: it can't be run; this needs Debian's apt and dpkg`, { cause });
  }
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const lines = `${out}\n${err}`.split("\n").filter((line) => /^(E|dpkg-deb: error)/.test(line));
  if (code !== 0) throw new Error(`${command[0]} ${command.at(-1)}: ${lines.join(" ") || `exit code ${code}`}`);
}
