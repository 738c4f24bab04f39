import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { download } from "./release.ts";

const CONTENT = "kube-apiserver ".repeat(10_000);
const folder = mkdtempSync(join(tmpdir(), "release-test-"));
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/file") return new Response(CONTENT);
    if (pathname === "/never") return new Promise(() => {});
    if (pathname === "/stalls") {
      return new Response(new ReadableStream({ start: (controller) => controller.enqueue("a few bytes") }));
    }
    return new Response("no", { status: 404 });
  },
});

afterAll(async () => {
  await server.stop(true);
  rmSync(folder, { recursive: true });
});

function get(path: string, sha256: string): Promise<void> {
  const file = join(folder, "file");
  return download(`http://127.0.0.1:${server.port}${path}`, { file, sha256, report: () => {}, silenceMs: 100 });
}

test("a download with the right checksum is kept", async () => {
  await get("/file", createHash("sha256").update(CONTENT).digest("hex"));
  expect(readFileSync(join(folder, "file"), "utf8")).toBe(CONTENT);
});

test("a wrong checksum, a missing file and a silent server are refused", async () => {
  await expect(get("/file", "0".repeat(64))).rejects.toThrow("checksum");
  await expect(get("/none", "")).rejects.toThrow("answered 404");
  await expect(get("/never", "")).rejects.toThrow("silent for 0.1 s");
  await expect(get("/stalls", "")).rejects.toThrow("silent for 0.1 s");
});
