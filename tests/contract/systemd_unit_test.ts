import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const UNIT = new URL("../../packaging/jobset.service", import.meta.url).pathname;

test("systemd takes the unit, down to its warnings", () => {
  if (Bun.which("systemd-analyze") === null) {
    return console.log("not tried: there is no systemd-analyze on this machine");
  }
  const folder = mkdtempSync(join(tmpdir(), "jobset-unit-"));
  try {
    // The unit names the place of an installed executable: any that exists stands for it here.
    const text = readFileSync(UNIT, "utf8").replace("/usr/local/bin/jobset", process.execPath);
    const file = join(folder, "jobset.service");
    writeFileSync(file, text);
    const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", "verify", file]);
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
