import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateMaker } from "../../src/certs/certificate_maker.ts";

const FOLDER = new URL("go_certificates/", import.meta.url).pathname;
const NAMES = ["jobset-webhook-service.jobset-system.svc", "jobset-webhook-service.jobset-system.svc.cluster.local"];

test("Go reads our keys and certificates, and verifies the server's for every name", async () => {
  if (Bun.which("go") === null) return console.log("not tried: there is no go on this machine");
  const authority = await certificateMaker.makeAuthority(Date.now());
  const names = [...NAMES, "10.0.0.1", "fd00::1"];
  const server = await certificateMaker.makeServer({ issuer: authority, names, nowMs: Date.now() });
  const folder = mkdtempSync(join(tmpdir(), "go-certificates-"));
  try {
    const program = join(folder, "check");
    const env = { ...process.env, CGO_ENABLED: "0" };
    const built = Bun.spawnSync(["go", "build", "-o", program, "."], { cwd: FOLDER, env });
    expect([built.exitCode, built.stderr.toString()]).toEqual([0, ""]);
    const verdict = (asked: readonly string[]) => {
      const input = {
        CACert: authority.certPem,
        CAKey: authority.keyPem,
        Cert: server.certPem,
        Key: server.keyPem,
        Names: asked,
      };
      return Bun.spawnSync([program], { stdin: new Blob([JSON.stringify(input)]) }).stdout.toString().trim();
    };
    expect(verdict(names)).toBe("ok");
    expect(verdict(["other.jobset-system.svc"])).toContain("other.jobset-system.svc");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
