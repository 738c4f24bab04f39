import { afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { FakeClock } from "../base/fake_clock.ts";
import { rejection, testClient, TestServers } from "./test_server.ts";

const servers = new TestServers();
afterEach(() => servers.stop());

const GET = { method: "GET", path: "/x" } as const;

describe("a stream", () => {
  async function readText(
    reader: { read(): Promise<{ value?: Uint8Array | undefined }> },
  ): Promise<string | undefined> {
    const { value } = await reader.read();
    return value === undefined ? undefined : new TextDecoder().decode(value);
  }

  test("hands its body over as it comes, past the deadline of its head", async () => {
    const clock = new FakeClock();
    let send: (text: string) => void = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(to) {
        send = (text) => to.enqueue(new TextEncoder().encode(text));
        send("one");
      },
    });
    const stream = await testClient(servers.serve(() => new Response(body)), { clock }).stream({
      ...GET,
      timeoutMs: 1_000,
    });
    const reader = stream.getReader();
    expect(await readText(reader)).toBe("one");
    clock.advance(100_000);
    send("two");
    expect(await readText(reader)).toBe("two");
    await reader.cancel();
  });

  test("ends at the signal, before and after its head, and when it is cut", async () => {
    let last: Socket | undefined;
    const server = await servers.serveSockets((socket, text) => {
      if (text.includes("/silent")) return;
      last = socket;
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
    });
    const client = testClient(server);
    const controller = new AbortController();
    const silent = client.stream({ method: "GET", path: "/silent", signal: controller.signal });
    const reader = (await client.stream({ method: "GET", path: "/x", signal: controller.signal })).getReader();
    expect(await readText(reader)).toBe("abc");
    controller.abort(new Error("stopping"));
    expect(await rejection(silent)).toMatchObject({ message: "stopping" });
    expect(await rejection(reader.read())).toMatchObject({ message: "stopping" });
    const cut = (await client.stream({ method: "GET", path: "/cut" })).getReader();
    expect(await readText(cut)).toBe("abc");
    last?.destroy();
    expect(await rejection(cut.read())).toMatchObject({ code: "ECONNRESET" });
  });

  test("that is refused or does not open in time is an ApiError", async () => {
    const server = await servers.serveSockets((socket, text) => {
      if (text.includes("/gone")) socket.write("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n");
    });
    expect(await rejection(testClient(server).stream({ method: "GET", path: "/gone" }))).toMatchObject({ status: 410 });
    expect(await rejection(testClient(server).stream({ method: "GET", path: "/silent", timeoutMs: 20 })))
      .toMatchObject({ status: 0, reason: "Timeout" });
  });
});
