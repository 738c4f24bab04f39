/** etcd that ends, and etcd that is full: by its own quota, and because the disk is. */
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asString, at } from "../../src/base/json.ts";
import type { ControlPlane } from "../../scripts/control_plane.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import type { EtcdRecord } from "./etcd_record.ts";
import { SmallDisk } from "./small_disk.ts";

export interface EtcdParts {
  readonly controlPlane: ControlPlane;
  readonly record: EtcdRecord;
  readonly report: (line: string) => void;
}

const JUNK = "/chaos-junk/";
const JUNK_END = "/chaos-junk0";
/** Below what etcd takes in one request. */
const JUNK_BYTES = 1_000_000;
/** Room that is left at first. */
const QUOTA_ROOM = 8 * 2 ** 20;
const DISK_ROOM = 192 * 2 ** 20;
const FULL_TIMEOUT_MS = 30_000;

/** Ends it at once and starts it again on the same data. */
export async function killEtcd({ controlPlane }: EtcdParts, awayMs: number): Promise<void> {
  await controlPlane.killEtcd();
  await sleep(awayMs);
  await controlPlane.startEtcd();
}

/** A quota that is soon used up: nothing can be written until it is compacted, defragmented and its alarm taken back. */
export async function exhaustQuota({ controlPlane, record }: EtcdParts, fullMs: number): Promise<void> {
  const status = await controlPlane.etcd("/v3/maintenance/status", {});
  const size = Number(asString(at(status, "dbSize")));
  await controlPlane.killEtcd();
  await controlPlane.startEtcd([`--quota-backend-bytes=${size + QUOTA_ROOM}`]);
  await record.caughtUp();
  await fillWithJunk(controlPlane, (error) => error.includes("space exceeded"));
  await sleep(fullMs);
  // Under the alarm deletes are taken, writes are not.
  await controlPlane.etcd("/v3/kv/deleterange", { key: btoa(JUNK), range_end: btoa(JUNK_END) });
  await makeRoom(controlPlane, record);
  const { alarms } = Object(await controlPlane.etcd("/v3/maintenance/alarm", { action: "GET" }));
  for (const alarm of Array.isArray(alarms) ? alarms : []) {
    await controlPlane.etcd("/v3/maintenance/alarm", { ...alarm, action: "DEACTIVATE" });
  }
  await controlPlane.killEtcd();
  await controlPlane.startEtcd();
}

/** Its data move to a small disk, which fills up until etcd ends; then there is room again, and at last they move back. */
export async function fillDisk(parts: EtcdParts, fullMs: number): Promise<"done" | { readonly reason: string }> {
  const { controlPlane, record } = parts;
  const bytes = folderBytes(controlPlane.etcdDataDir) + DISK_ROOM;
  const disk = await SmallDisk.mount(controlPlane.processes, { folder: controlPlane.dir, bytes });
  if (!(disk instanceof SmallDisk)) return disk;
  const dataDir = join(disk.path, "etcd");
  const start = () => controlPlane.startEtcd([`--data-dir=${dataDir}`]);
  try {
    await controlPlane.killEtcd();
    copyFolder(controlPlane.etcdDataDir, dataDir);
    await start();
    const filler = join(disk.path, "filler");
    fillUp(filler);
    // It ends by itself as soon as it needs room: nothing that it has promised may be lost by that.
    await fillWithJunk(controlPlane, () => !controlPlane.isEtcdRunning());
    await sleep(fullMs);
    rmSync(filler);
    await start();
    await controlPlane.etcd("/v3/kv/deleterange", { key: btoa(JUNK), range_end: btoa(JUNK_END) });
    await makeRoom(controlPlane, record);
  } finally {
    await controlPlane.killEtcd();
    if (existsSync(dataDir)) copyFolder(dataDir, controlPlane.etcdDataDir);
    await disk.unmount();
  }
  await controlPlane.startEtcd();
  return "done";
}

/** Drops the history, as an administrator does whose etcd is full. The record must have heard it first. */
export async function makeRoom(controlPlane: ControlPlane, record: EtcdRecord): Promise<void> {
  await record.caughtUp();
  await controlPlane.compactEtcd();
  await controlPlane.etcd("/v3/maintenance/defragment", {});
}

async function fillWithJunk(controlPlane: ControlPlane, isFull: (error: string) => boolean): Promise<void> {
  const value = "A".repeat(JUNK_BYTES);
  let count = 0;
  let last = "";
  await waitFor("etcd to be full", {
    timeoutMs: FULL_TIMEOUT_MS,
    everyMs: 5,
    check: async () => {
      try {
        await controlPlane.etcd("/v3/kv/put", { key: btoa(`${JUNK}${count++}`), value });
        return false;
      } catch (error) {
        last = error instanceof Error ? error.message : String(error);
        return isFull(last);
      }
    },
    describe: () => `${count} puts, the last: ${last.slice(0, 300)}`,
  });
}

/** Writes until there is no room. */
function fillUp(file: string): void {
  const part = new Uint8Array(1 << 20);
  try {
    for (;;) writeFileSync(file, part, { flag: "a" });
  } catch {
    // No space left on device: that is what was wanted.
  }
}

function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).reduce(
      (sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size,
      0,
    );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
