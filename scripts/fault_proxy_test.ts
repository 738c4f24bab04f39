import { afterAll, beforeAll, expect, test } from "bun:test";
import { createAuthority, createLeaf } from "./control_plane/certificates.ts";
import { waitFor } from "./control_plane/wait.ts";
import { type FaultProxy, startFaultProxy } from "./fault_proxy.ts";

const authority = createAuthority("test");
const posted: string[] = [];
let upstream: Bun.Server<undefined>;
let proxy: FaultProxy;

beforeAll(async () => {
  const { certPem, keyPem } = createLeaf(authority, { commonName: "server", ipAddresses: ["127.0.0.1"] });
  upstream = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: certPem, key: keyPem },
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url);
      if (request.method === "POST") {
        const text = await request.text();
        posted.push(text);
        return new Response(`got ${text.length}`, { status: 201 });
      }
      if (url.searchParams.get("watch") === null) return new Response("x".repeat(10_000));
      return new Response(ticks(request.signal));
    },
  });
  proxy = await startFaultProxy({
    url: `https://127.0.0.1:${upstream.port}`,
    caPem: authority.certPem,
    caKeyPem: authority.keyPem,
  });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop(true);
});

/** A line every few milliseconds, for ever. */
function ticks(signal: AbortSignal): ReadableStream<string> {
  return new ReadableStream({
    start(controller) {
      const timer = setInterval(() => controller.enqueue("tick\n"), 5);
      signal.addEventListener("abort", () => clearInterval(timer));
    },
  });
}

function send(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${proxy.url}${path}`, { ...init, tls: { ca: authority.certPem }, timeout: false });
}

test("without a rule requests and answers go through whole", async () => {
  const body = "b".repeat(300_000);
  expect(await (await send("/a", { method: "POST", body })).text()).toBe("got 300000");
  expect(posted.at(-1)).toBe(body);
  expect((await (await send("/a")).text()).length).toBe(10_000);
  expect(proxy.seen.at(-1)).toMatchObject({ method: "GET", path: "/a" });
});

test("a rule answers so many requests in the server's place", async () => {
  const before = posted.length;
  const rule = proxy.rule({
    match: (method, path) => method === "POST" && path === "/busy",
    times: 1,
    answer: { code: 429, headers: { "retry-after": "1" } },
  });
  const refused = await send("/busy", { method: "POST", body: "x" });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toMatchObject({ kind: "Status", reason: "TooManyRequests" });
  expect(posted.length).toBe(before);
  expect((await send("/busy", { method: "POST", body: "x" })).status).toBe(201);
  expect(rule.hits).toBe(1);
});

test("a dropped answer was done by the server all the same", async () => {
  const before = posted.length;
  proxy.rule({ match: (_, path) => path === "/drop", times: 1, dropAfter: true });
  await expect(send("/drop", { method: "POST", body: "x" })).rejects.toThrow();
  await waitFor("the server's copy", { timeoutMs: 5000, check: () => posted.length === before + 1 });
});

test("an answer is cut in its middle", async () => {
  proxy.rule({ match: (_, path) => path === "/cut", times: 1, cutAfterBytes: 100 });
  const response = await send("/cut");
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

test("a silenced watch stays open and says nothing more, a new one speaks", async () => {
  const old = reader(await send("/w?watch=1"));
  await waitFor("the first tick", { timeoutMs: 5000, check: () => old.count() > 0 });
  expect(proxy.silenceWatches()).toBe(1);
  const heard = old.count();
  const other = reader(await send("/w?watch=1"));
  await waitFor("ticks of the new watch", { timeoutMs: 5000, check: () => other.count() > 20 });
  expect(old.count()).toBeLessThanOrEqual(heard + 5);
  expect(old.hasEnded()).toBe(false);
  proxy.cutAll();
  await waitFor("both to end", { timeoutMs: 5000, check: () => old.hasEnded() && other.hasEnded() });
});

/** Reads a body in the background and counts its chunks. */
function reader(response: Response): { count(): number; hasEnded(): boolean } {
  let count = 0;
  let hasEnded = false;
  const read = async () => {
    for await (const chunk of response.body ?? []) count += chunk.length > 0 ? 1 : 0;
  };
  const end = () => {
    hasEnded = true;
  };
  read().then(end, end);
  return { count: () => count, hasEnded: () => hasEnded };
}
