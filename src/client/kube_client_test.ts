import { afterEach, describe, expect, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { FakeClock } from "../base/fake_clock.ts";
import { ApiError, isNotWanted } from "./api_error.ts";
import { fixedCredentials, RereadCredentials } from "./credentials.ts";
import type { RequestRecord } from "./kube_client.ts";
import { NO_CREDENTIALS, rejection, silentLog, testAccess, testClient, TestServers, until } from "./test_server.ts";

const servers = new TestServers();
afterEach(() => servers.stop());

const GET = { method: "GET", path: "/x" } as const;
const OK = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

function status(code: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ kind: "Status", code, reason: "R", message }, { status: code, headers });
}

describe("a request", () => {
  test("carries method, query, body and headers, and its answer comes back whole", async () => {
    const server = servers.serve(async (request) =>
      Response.json({
        method: request.method,
        url: request.url.replace(/^.*?:\d+/, ""),
        type: request.headers.get("content-type"),
        accept: request.headers.get("accept"),
        agent: request.headers.get("user-agent"),
        encoding: request.headers.get("accept-encoding"),
        body: await request.text(),
      })
    );
    const client = testClient(server);
    expect(await client.request({ method: "POST", path: "/a", query: { "b": "c d&e" }, body: { f: 1 } })).toEqual({
      method: "POST",
      url: "/a?b=c+d%26e",
      type: "application/json",
      accept: "application/json",
      agent: "test",
      encoding: expect.stringContaining("gzip"),
      body: '{"f":1}',
    });
    expect(await client.request({ method: "PATCH", path: "/a", contentType: "t/u", accept: "v/w", body: '{"g":2}' }))
      .toMatchObject({ method: "PATCH", type: "t/u", accept: "v/w", body: '{"g":2}' });
    expect(await client.request({ ...GET, query: { watch: "1" } })).toMatchObject({ encoding: "identity", type: null });
    expect(await client.request({ method: "DELETE", path: "/a", body: { kind: "DeleteOptions" } }))
      .toMatchObject({ method: "DELETE", body: '{"kind":"DeleteOptions"}' });
  });

  test("answers text where the server does, and refuses JSON that is none", async () => {
    const client = testClient(
      servers.serve((request) =>
        request.url.endsWith("/ok")
          ? new Response("ok")
          : new Response("{", { headers: { "content-type": "application/json" } })
      ),
    );
    expect(await client.request({ method: "GET", path: "/ok" })).toBe("ok");
    expect(await rejection(client.request(GET))).toMatchObject({ status: 0, reason: "BadAnswer" });
  });

  test("that is refused rejects with the API server's words", async () => {
    const error = await rejection(testClient(servers.serve(() => status(403, "no, you may not"))).request(GET));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 403, message: "no, you may not" });
  });

  test("is not led elsewhere", async () => {
    const server = servers.serve(() =>
      new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/" } })
    );
    expect(await rejection(testClient(server).request(GET))).toMatchObject({ status: 302 });
  });

  test("whose answer is over the limit fails, whether or not the length is told", async () => {
    const chunked = () => {
      const chunks = Array.from({ length: 5 }, () => new Uint8Array(30));
      return new Response(
        new ReadableStream({ pull: (to) => (chunks.length > 0 ? to.enqueue(chunks.pop()) : to.close()) }),
      );
    };
    const server = servers.serve((request) => request.url.endsWith("/x") ? new Response("x".repeat(101)) : chunked());
    const client = testClient(server, { bodyLimit: 100 });
    for (const path of ["/x", "/chunked"]) {
      expect(await rejection(client.request({ method: "GET", path })))
        .toMatchObject({ status: 0, reason: "BadAnswer", message: expect.stringContaining("exceeds 100 bytes") });
    }
    expect(await testClient(server, { bodyLimit: 150 }).request({ method: "GET", path: "/chunked" })).toHaveLength(150);
  });

  test("is recorded with code and duration, each try by itself", async () => {
    const records: RequestRecord[] = [];
    let calls = 0;
    const server = servers.serve(() =>
      ++calls === 1 ? status(429, "slow", { "retry-after": "0" }) : new Response("", { status: 201 })
    );
    await testClient(server, { onRequest: (record) => records.push(record) }).request({ ...GET, query: { a: "b" } });
    const host = server.replace("http://", "");
    const durationMs = expect.any(Number);
    expect(records).toEqual([
      { method: "GET", host, path: "/x", code: 429, durationMs },
      { method: "GET", host, path: "/x", code: 201, durationMs },
    ]);
  });
});

describe("deadlines", () => {
  test("cut off a server that does not answer, or stops within the answer", async () => {
    const server = await servers.serveSockets((socket, text) => {
      if (text.includes("/half")) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc");
    });
    for (const path of ["/silent", "/half"]) {
      const error = await rejection(testClient(server).request({ method: "GET", path, timeoutMs: 30 }));
      expect(error).toMatchObject({
        status: 0,
        reason: "Timeout",
        message: `GET ${server}${path}: no answer within 30 ms`,
      });
    }
  });

  test("are told apart from an abort, which rejects with the signal's reason", async () => {
    let arrived = false;
    const server = await servers.serveSockets(() => arrived = true);
    const controller = new AbortController();
    const request = testClient(server).request({ ...GET, signal: controller.signal });
    await until("the request has arrived", () => arrived);
    controller.abort("stopping");
    expect(await rejection(request)).toBe("stopping");
    expect(await rejection(testClient(server).request({ ...GET, signal: controller.signal }))).toBe("stopping");
  });

  test("leave no timer behind", async () => {
    const clock = new FakeClock();
    await testClient(servers.serve(() => Response.json({})), { clock }).request(GET);
    expect(clock.timerCount).toBe(0);
  });
});

describe("429 and Retry-After", () => {
  test.each([429, 500, 503, 504])("%d waits as long as it asks and goes again", async (code) => {
    const clock = new FakeClock();
    let calls = 0;
    const server = servers.serve(() =>
      ++calls <= 2 ? status(code, "busy", { "retry-after": "7" }) : Response.json({ calls })
    );
    const answer = testClient(server, { clock }).request({ method: "POST", path: "/x", body: {} });
    for (let call = 1; call <= 2; call++) {
      await until("it waits 7 s", () => calls === call && clock.nextDelayMs === 7_000);
      clock.advance(6_999);
      expect(calls).toBe(call);
      clock.advance(1);
    }
    expect(await answer).toEqual({ calls: 3 });
  });

  test("is given up after ten tries more", async () => {
    let calls = 0;
    const server = servers.serve(() => status(429, `no ${++calls}`, { "retry-after": "0" }));
    expect(await rejection(testClient(server).request(GET))).toMatchObject({ status: 429, message: "no 11" });
  });

  test("is the caller's business where it is not asked for, asks for too much, or comes with another code", async () => {
    let calls = 0;
    const server = servers.serve((request) => {
      calls += 1;
      const [, code, wait] = new URL(request.url).pathname.split("/");
      return status(Number(code), "", wait === undefined ? {} : { "retry-after": wait });
    });
    const client = testClient(server, { clock: new FakeClock() });
    for (const path of ["/429", "/429/61", "/503", "/409/1"]) await rejection(client.request({ method: "GET", path }));
    await rejection(client.request({ method: "GET", path: "/429/1", retry: false }));
    expect(calls).toBe(5);
  });

  test("is not sent again where nobody wants it by then", async () => {
    const clock = new FakeClock();
    let asked = 0;
    const server = servers.serve(() => {
      asked += 1;
      return status(429, "later", { "retry-after": "1" });
    });
    let wanted = true;
    const client = testClient(server, { clock });
    const outcome = rejection(client.request({ method: "POST", path: "/x", body: {}, isWanted: () => wanted }));
    await until("it waits", () => clock.nextDelayMs === 1000);
    wanted = false;
    clock.advance(1000);
    expect(isNotWanted(await outcome)).toBe(true);
    expect(asked).toBe(1);
  });

  test("is not sent at all where nobody wants it, privileged or not", async () => {
    let asked = 0;
    const client = testClient(servers.serve(() => status(418, `${asked += 1}`)));
    for (const privileged of [false, true]) {
      const request = client.request({ method: "POST", path: "/x", body: {}, privileged, isWanted: () => false });
      expect(isNotWanted(await rejection(request))).toBe(true);
    }
    expect(asked).toBe(0);
  });

  test("ends its wait at an abort", async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const server = servers.serve(() => status(429, "busy", { "retry-after": "30" }));
    const request = testClient(server, { clock }).request({ ...GET, signal: controller.signal });
    await until("it waits", () => clock.nextDelayMs === 30_000);
    controller.abort("stopping");
    expect(await rejection(request)).toBe("stopping");
  });
});

describe("a broken connection", () => {
  test("is tried again once at once for a GET, as a kept connection may have been closed", async () => {
    let calls = 0;
    const server = await servers.serveSockets((socket, _, count) => {
      calls = count;
      if (count === 1) socket.destroy();
      else socket.write(OK);
    });
    expect(await testClient(server).request(GET)).toEqual({});
    expect(calls).toBe(2);
  });

  test("fails a GET that it breaks twice, and a write at once", async () => {
    let calls = 0;
    const server = await servers.serveSockets((socket, _, count) => {
      calls = count;
      socket.destroy();
    });
    const client = testClient(server);
    expect(await rejection(client.request(GET))).toMatchObject({
      status: 0,
      reason: "Network",
      message: `GET ${server}/x: the connection was closed`,
    });
    expect(calls).toBe(2);
    await rejection(client.request({ method: "POST", path: "/x", body: {} }));
    expect(calls).toBe(3);
  });

  test("a write on a kept connection that the server closed is sent at most once", async () => {
    const seen: string[] = [];
    const server = await servers.serveSockets((socket, text) => {
      seen.push(text.slice(0, 4));
      if (text.startsWith("GET")) socket.write(OK);
      else socket.resetAndDestroy();
    });
    const client = testClient(server);
    await client.request(GET);
    await rejection(client.request({ method: "POST", path: "/x", body: {} }));
    expect(seen).toEqual(["GET ", "POST"]);
  });

  test("that was never made is tried again for a write too, and said in words", async () => {
    const codes: number[] = [];
    const server = "http://127.0.0.1:1";
    const client = testClient(server, { onRequest: ({ code }) => codes.push(code) });
    const error = await rejection(client.request({ method: "POST", path: "/x", body: {} }));
    expect(error).toMatchObject({ status: 0, message: "POST http://127.0.0.1:1/x: connection refused" });
    expect(codes).toEqual([0, 0]);
  });
});

describe("a 401", () => {
  function rotating(tokens: readonly string[]) {
    let reads = 0;
    const read = () => {
      const token = tokens[Math.min(reads++, tokens.length - 1)] ?? "";
      return Promise.resolve({ ...NO_CREDENTIALS, headers: { Authorization: `Bearer ${token}` } });
    };
    const options = { read, everyMs: 60_000, renewEveryMs: 0, clock: systemClock(), log: silentLog() };
    return { credentials: new RereadCredentials(options), reads: () => reads };
  }

  function guarded(good: string): { server: string; calls: () => number } {
    let calls = 0;
    const server = servers.serve((request) => {
      calls += 1;
      return request.headers.get("authorization") === `Bearer ${good}`
        ? Response.json({})
        : status(401, "Unauthorized");
    });
    return { server, calls: () => calls };
  }

  test("waits for credentials no longer than it is wanted", async () => {
    const server = servers.serve(() => status(401, "expired"));
    for (const isFirst of [true, false]) {
      const asked = Promise.withResolvers<void>();
      const hanging = () => {
        asked.resolve();
        return new Promise<never>(() => {});
      };
      const known = fixedCredentials(NO_CREDENTIALS);
      const credentials = isFirst ? { current: hanging, renew: hanging } : { ...known, renew: hanging };
      const client = testClient(server, { access: testAccess(server, { credentials }) });
      const given = new AbortController();
      const rejected = rejection(client.request({ ...GET, signal: given.signal }));
      await asked.promise;
      given.abort(new Error("given up"));
      expect(await rejected).toMatchObject({ message: "given up" });
    }
  });

  test("reads the credentials again and goes again with new ones", async () => {
    const { server, calls } = guarded("new");
    const { credentials, reads } = rotating(["old", "new"]);
    const client = testClient(server, { access: testAccess(server, { credentials }) });
    expect(await client.request(GET)).toEqual({});
    expect(await client.request(GET)).toEqual({});
    expect([calls(), reads()]).toEqual([3, 2]);
  });

  test("is final when they are the same, and when the new ones are refused as well", async () => {
    for (const [tokens, expected] of [[["old"], 1], [["old", "older", "oldest"], 2]] as const) {
      const { server, calls } = guarded("new");
      const client = testClient(server, { access: testAccess(server, { credentials: rotating(tokens).credentials }) });
      expect(await rejection(client.request(GET))).toMatchObject({ status: 401 });
      expect(calls()).toBe(expected);
    }
  });

  test("of many requests at once reads once", async () => {
    const { server } = guarded("new");
    const { credentials, reads } = rotating(["old", "new", "newer"]);
    const client = testClient(server, { access: testAccess(server, { credentials }) });
    await Promise.all(Array.from({ length: 20 }, () => client.request(GET)));
    expect(reads()).toBe(2);
  });
});

describe("limits", () => {
  test("hold 150 requests in flight; privileged ones and streams pass by", async () => {
    const open = Promise.withResolvers<void>();
    let held = 0;
    const server = servers.serve(async (request) => {
      if (!request.url.endsWith("/x")) return Response.json({});
      held += 1;
      await open.promise;
      return Response.json({});
    });
    const client = testClient(server);
    const all = Promise.all(Array.from({ length: 160 }, () => client.request(GET)));
    await until("150 are held", () => held >= 150);
    expect(await client.request({ method: "GET", path: "/lease", privileged: true })).toEqual({});
    await (await client.stream({ method: "GET", path: "/watch" })).cancel();
    expect(held).toBe(150);
    open.resolve();
    await all;
    expect(held).toBe(160);
  });

  test("hold back by qps and burst what is not privileged", async () => {
    const clock = new FakeClock();
    const client = testClient(servers.serve(() => Response.json({})), { clock, qps: 1, burst: 1 });
    await client.request(GET);
    await client.request({ ...GET, privileged: true });
    await (await client.stream(GET)).cancel();
    const second = client.request(GET);
    await until("it waits for a token", () => clock.nextDelayMs === 1_000);
    clock.advance(1_000);
    await second;
  });

  test("refused requests leave their connections usable: none waits for an unread body", async () => {
    const connections = new Set<number>();
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request, it) {
        connections.add(it.requestIP(request)?.port ?? 0);
        return status(404, "x".repeat(100_000));
      },
    });
    servers.cleanUp(() => server.stop(true));
    const client = testClient(`http://127.0.0.1:${server.port}`);
    for (let index = 0; index < 300; index++) await rejection(client.request(GET));
    expect(connections.size).toBe(1);
  });
});
