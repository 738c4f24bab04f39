import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asObject, type JsonObject } from "../../src/base/json.ts";

const FOLDER = new URL("go_round_trip/", import.meta.url).pathname;

/** What a Go client makes of JobTemplateSpecs: decoded into the Kubernetes types and encoded again (go_round_trip/). */
export class GoRoundTrip {
  readonly #folder = mkdtempSync(join(tmpdir(), "go-round-trip-"));

  /** Builds the helper; its go.sum makes Go verify every module. */
  async build(): Promise<void> {
    await run(["go", "build", "-mod=readonly", "-o", this.#program, "."], { cwd: FOLDER });
  }

  /** The templates in the same order, as Go writes them. */
  async roundTrip(templates: readonly unknown[]): Promise<readonly JsonObject[]> {
    const stdin = templates.map((template) => `${JSON.stringify(template)}\n`).join("");
    const lines = (await run([this.#program], { stdin })).trimEnd().split("\n");
    return lines.map((line, i) => {
      const template = asObject(JSON.parse(line)) ?? {};
      const error = template["error"];
      if (error !== undefined) throw new Error(`Go does not take ${JSON.stringify(templates[i])}: ${String(error)}`);
      return template;
    });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #program(): string {
    return join(this.#folder, "go_round_trip");
  }
}

async function run(
  command: readonly string[],
  options: { readonly cwd?: string; readonly stdin?: string },
): Promise<string> {
  const child = Bun.spawn([...command], {
    stdin: new Blob([options.stdin ?? ""]),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, CGO_ENABLED: "0" },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")}: exit code ${code}: ${stderr}`);
  return stdout;
}
