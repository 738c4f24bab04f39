/** The helm that the chart is tested with, built from its Go module; helm/go.sum makes Go verify every checksum. */
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, type Report } from "./control_plane/binaries.ts";
import { fillFolder } from "./control_plane/cache.ts";
import { GoRunner } from "./control_plane/go_build.ts";

/** As helm/go.mod names it. */
const VERSION = "v3.21.4";
const PACKAGE = "helm.sh/helm/v3/cmd/helm";

/** The path of helm, built where it is not there yet; a reason where it can't be. */
export async function findHelm(report: Report): Promise<{ readonly path: string } | { readonly missing: string }> {
  const folder = join(cacheFolder(process.env), `helm-${VERSION}`);
  const path = join(folder, "helm");
  if (existsSync(path)) return { path };
  const go = Bun.which("go");
  if (go === null) return { missing: `helm ${VERSION} is not there, and "go" is not on PATH to build it` };
  report(`building helm ${VERSION} with Go: some minutes, once`);
  await fillFolder(folder, report, async (workFolder, target) => {
    // A folder within: it goes with the runner, and what was built does not.
    const goFolder = join(workFolder, "go");
    const module = join(goFolder, "module");
    cpSync(join(import.meta.dir, "helm"), module, { recursive: true });
    mkdirSync(join(goFolder, "tmp"));
    const runner = new GoRunner(go, module, goFolder);
    try {
      await runner.run(
        ["build", "-mod=readonly", "-trimpath", "-v", "-ldflags=-s -w", "-o", `${target}/`, PACKAGE],
        (lines) => {
          report(`  fetched modules and compiled packages: ${lines.length}`);
        },
      );
    } finally {
      await runner.stop();
    }
  });
  return { path };
}
