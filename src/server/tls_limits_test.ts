import { afterEach, expect, test } from "bun:test";
import { eventually, post, TlsTest } from "./test_tls.ts";

const tls = new TlsTest();
afterEach(() => tls.stop());

test("a request that is too large is answered with 413, by whatever means it comes", async () => {
  const server = await tls.serve({ limits: { requestBytes: 100_000 } });
  expect(await (await post(server, "x".repeat(99_000))).text()).toBe("99000 bytes");
  const answer = await post(server, "x".repeat(5_000_000));
  expect([answer.status, await answer.text()]).toEqual([413, "the request is too large\n"]);
  const client = await tls.connect(server);
  client.socket.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.socket.write("186a0\r\n".concat("x".repeat(100_000), "\r\n"));
  await client.closed();
  expect(client.received).toStartWith("HTTP/1.1 413 ");
});

test("a head without end is refused", async () => {
  const server = await tls.serve();
  const client = await tls.connect(server);
  client.socket.write(`GET / HTTP/1.1\r\nHost: x\r\n${"X-A: b\r\n".repeat(5_000)}`);
  await client.closed();
  expect(client.received).toMatch(/^(?:HTTP\/1.1 4\d\d |$)/);
});

test("whoever sends a request too slowly is cut off; who has none under way is not", async () => {
  const server = await tls.serve({ limits: { requestMs: 300 } });
  const patient = await tls.connect(server);
  await patient.post("x");
  const slow = await tls.connect(server);
  slow.socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  const drip = setInterval(() => slow.socket.write("x"), 20);
  await slow.closed();
  clearInterval(drip);
  expect(await patient.post("abc")).toEndWith("3 bytes");
});

test("whoever does not take the answer is cut off", async () => {
  const server = await tls.serve({ limits: { requestMs: 300 }, fetch: () => new Response("x".repeat(50_000_000)) });
  const client = await tls.connect(server);
  client.socket.pause();
  await eventually("the server to know the connection", () => server.connections === 1);
  client.socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await eventually("the server to let go", () => server.connections === 0);
});

test("a body that the handler does not read is no request of its own", async () => {
  const server = await tls.serve({ limits: { requestMs: 300 }, fetch: () => new Response("unread") });
  const client = await tls.connect(server);
  expect(await client.post("x".repeat(3_000_000))).toEndWith("unread");
  const slow = await tls.connect(server);
  slow.socket.write("POST / HTTP/1.1\r\n");
  await slow.closed();
  expect(await client.post("x")).toEndWith("unread");
});

test("a connection without a byte for too long is closed, and so is one without a handshake", async () => {
  const server = await tls.serve({ limits: { idleMs: 300, handshakeMs: 200 } });
  const mute = tls.plain(server);
  const quiet = await tls.connect(server);
  await quiet.closed();
  await mute.closed();
});

test("a client that closes its side is let go", async () => {
  const server = await tls.serve();
  const client = await tls.connect(server);
  await client.post("x");
  client.socket.end();
  await client.closed();
});

test("one connection too many takes the place of the quietest, never that of one in use", async () => {
  const release = Promise.withResolvers<Response>();
  const arrived = Promise.withResolvers<void>();
  const server = await tls.serve({
    limits: { connections: 2 },
    fetch: (request) => {
      if (!request.url.endsWith("/slow")) return new Response("fine");
      arrived.resolve();
      return release.promise;
    },
  });
  const busy = await tls.connect(server);
  const answer = busy.post("x", "/slow");
  await arrived.promise;
  const quiet = await tls.connect(server);
  await quiet.post("x");
  const late = await tls.connect(server);
  await quiet.closed();
  expect(await late.post("x")).toEndWith("fine");
  release.resolve(new Response("slow"));
  expect(await answer).toEndWith("slow");
});

test("connections beyond the limit are refused while all are in use", async () => {
  const release = Promise.withResolvers<void>();
  let running = 0;
  const server = await tls.serve({
    limits: { connections: 2 },
    fetch: async () => {
      running += 1;
      await release.promise;
      return new Response("slow");
    },
  });
  const busy = [await tls.connect(server), await tls.connect(server)];
  const answers = busy.map((client) => client.post("x"));
  await eventually("both requests", () => running === 2);
  await expect(tls.connect(server)).rejects.toThrow();
  await tls.plain(server).closed();
  release.resolve();
  for (const answer of await Promise.all(answers)) expect(answer).toEndWith("slow");
});

test("clients that say nothing keep nobody out, and take no place from whoever is quiet", async () => {
  const server = await tls.serve({ limits: { connections: 4 } });
  const quiet = await tls.connect(server);
  await quiet.post("x");
  const mutes = Array.from({ length: 10 }, () => tls.plain(server));
  await eventually("the first of them to be let go", () => mutes.filter(({ isClosed }) => isClosed).length >= 6);
  const late = await tls.connect(server);
  expect(await late.post("abc")).toEndWith("3 bytes");
  expect(await quiet.post("abcd")).toEndWith("4 bytes");
});

test("only so many requests run at once, and all are answered", async () => {
  let running = 0;
  let most = 0;
  const server = await tls.serve({
    limits: { requests: 3 },
    fetch: async (request) => {
      running += 1;
      most = Math.max(most, running);
      await request.text();
      await Bun.sleep(5);
      running -= 1;
      return new Response("done");
    },
  });
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(server, "x".repeat(10_000))));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(most).toBe(3);
});

test("large requests beyond what all may hold are read one after the other, and small ones pass them", async () => {
  const release = Promise.withResolvers<void>();
  const server = await tls.serve({
    limits: { totalBytes: 500_000 },
    fetch: async (request) => {
      const { length } = await request.text();
      if (length > 1_000) await release.promise;
      return new Response(`${length} bytes`);
    },
  });
  const large = Array.from({ length: 6 }, () => post(server, "x".repeat(400_000)).then((answer) => answer.text()));
  expect(await (await post(server, "small")).text()).toBe("5 bytes");
  release.resolve();
  expect(await Promise.all(large)).toEqual(Array(6).fill("400000 bytes"));
});

test("whoever takes the room for large requests and does not go on loses it to those that wait", async () => {
  const server = await tls.serve({ limits: { totalBytes: 500_000, wantedMs: 300 } });
  const hogs = [await tls.connect(server), await tls.connect(server)];
  for (const hog of hogs) {
    hog.socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n${"x".repeat(300_000)}`);
  }
  await eventually("nobody to wait", () => server.connections === 2);
  expect(await (await post(server, "x".repeat(200_000))).text()).toBe("200000 bytes");
});

test("requests that come one on the heels of the other are all answered", async () => {
  const server = await tls.serve();
  const client = await tls.connect(server);
  const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  client.socket.write(request + request + request);
  await eventually("three answers", () => client.received.split("3 bytes").length === 4);
});

test("a Host header that makes no URL is answered with 400, and the next request is served", async () => {
  const server = await tls.serve({ fetch: ({ url }) => new Response(new URL(url).pathname) });
  const client = await tls.connect(server);
  for (const host of ["a b", "[", "", "x:99999", "x@y", "%zz"]) {
    const before = client.received.length;
    client.socket.write(`POST /path HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\n\r\nabc`);
    await eventually("an answer", () => client.received.slice(before).includes("\n\r\n"));
    expect(client.received.slice(before)).toStartWith("HTTP/1.1 400 ");
  }
  expect(await client.post("x", "/path")).toEndWith("/path");
  expect(tls.errors).toEqual([]);
});

test("bytes that are no HTTP end the connection, nothing else", async () => {
  const server = await tls.serve();
  for (const bytes of ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00", "POST / HTTP/9.9\r\n\r\n"]) {
    const client = await tls.connect(server);
    client.socket.end(bytes);
    await client.closed();
    expect(client.received).toMatch(/^(?:HTTP\/1.1 [45]\d\d |$)/);
  }
  const plain = tls.plain(server);
  plain.socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await plain.closed();
  expect((await post(server, "x")).status).toBe(200);
});
