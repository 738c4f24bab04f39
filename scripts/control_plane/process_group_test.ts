import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProcessGroup } from "./process_group.ts";
import { waitFor } from "./wait.ts";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "process-group-test-"));
  folders.push(folder);
  return folder;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("children end with a parent that is killed, their own children and the folder too", async () => {
  const folder = newFolder();
  const outside = newFolder();
  const module = join(import.meta.dir, "process_group.ts");
  const child = `sleep 60 & echo $$ $! > ${outside}/pids; wait`;
  const script = `
    import { ProcessGroup } from ${JSON.stringify(module)};
    const group = new ProcessGroup(${JSON.stringify(folder)});
    group.spawn(["sh", "-c", ${JSON.stringify(child)}], { logFile: ${JSON.stringify(`${folder}/log`)} });
    setInterval(() => {}, 1000);
  `;
  const parent = Bun.spawn([process.execPath, "-e", script], { stdin: "ignore", stderr: "inherit" });
  const pidsOf = () => existsSync(`${outside}/pids`) ? readFileSync(`${outside}/pids`, "utf8").trim() : "";
  await waitFor("the children", { timeoutMs: 10_000, check: () => pidsOf() !== "" });
  const pids = pidsOf().split(" ").map(Number);
  expect(pids.map(isAlive)).toEqual([true, true]);
  parent.kill("SIGKILL");
  await waitFor("their end", {
    timeoutMs: 10_000,
    check: () => !pids.some(isAlive) && !existsSync(folder),
    describe: () => `${pids.map(isAlive)}, folder ${existsSync(folder)}`,
  });
}, 30_000);

test("stop ends all children and removes the folder", async () => {
  const folder = newFolder();
  const group = new ProcessGroup(folder);
  const child = group.spawn(["sleep", "60"], { logFile: join(folder, "log") });
  await group.stop();
  expect(child.isRunning()).toBe(false);
  expect(existsSync(folder)).toBe(false);
});

test("a child that does not heed the signal is killed after its grace time", async () => {
  const folder = newFolder();
  const group = new ProcessGroup(folder);
  const deaf = `trap '' TERM; echo ready; while :; do sleep 0.05; done`;
  const child = group.spawn(["sh", "-c", deaf], { logFile: join(folder, "log") });
  await waitFor("the trap", { timeoutMs: 5000, check: () => child.lastLines(1) === "ready" });
  expect(await child.stop("SIGTERM", 100)).toBe(137);
  await group.stop();
});
