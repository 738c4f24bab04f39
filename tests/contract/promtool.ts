/** Prometheus' own judge of metrics. */
import { join } from "node:path";
import { fetchDebianPackage } from "../../scripts/debian_package.ts";

/** Debian 12's. A mirror keeps only the newest: where it has gone, this says so, and the new digest is to be set here. */
const PROMETHEUS = {
  name: "prometheus",
  version: "2.42.0+ds-5+deb12u1",
  arch: "amd64",
  sha256: "81d59a24fce84f7fbe97a45a4f2914b6a5881b5cd1db2a6a0e129e515e1a5f55",
};

/** promtool, from a package that is not installed; else why there is none. */
export async function findPromtool(): Promise<{ readonly path: string } | { readonly reason: string }> {
  if (process.platform !== "linux" || process.arch !== "x64") return { reason: "the package is for linux-x64" };
  try {
    return { path: join(await fetchDebianPackage(PROMETHEUS, console.log), "usr", "bin", "promtool") };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** What `promtool check metrics` says of a text; code 0 and no output where it finds nothing. */
export async function checkMetrics(
  promtool: string,
  text: string,
): Promise<{ readonly code: number; readonly output: string }> {
  const child = Bun.spawn([promtool, "check", "metrics"], {
    stdin: new TextEncoder().encode(text),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: out + err };
}
