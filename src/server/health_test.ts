import { afterEach, expect, test } from "bun:test";
import { type HealthServer, type HealthServerOptions, startHealthServer } from "./health.ts";

const servers: HealthServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

function serve(options: Partial<HealthServerOptions> = {}): HealthServer {
  const checks = { alive: () => undefined, ready: () => undefined };
  const server = startHealthServer({ address: "127.0.0.1:0", checks, ...options });
  if (server === undefined) throw new Error("the health server is off");
  servers.push(server);
  return server;
}

async function get(server: HealthServer, path: string, host = "127.0.0.1"): Promise<[number, string]> {
  const answer = await fetch(`http://${host}:${server.port}${path}`);
  return [answer.status, await answer.text()];
}

test("probes answer ok, and what passed where asked", async () => {
  const server = serve();
  expect(await get(server, "/healthz")).toEqual([200, "ok"]);
  expect(await get(server, "/readyz")).toEqual([200, "ok"]);
  expect(await get(server, "/readyz?verbose")).toEqual([200, "[+]readyz ok\nreadyz check passed\n"]);
  expect((await get(server, "/other"))[0]).toBe(404);
});

test("a failing probe answers 500 and names each failing check, as it stands at that moment", async () => {
  let problem: readonly string[] | undefined = ["jobsets: not synced", "jobs: 100% behind"];
  const server = serve({ checks: { alive: () => undefined, ready: () => problem } });
  expect(await get(server, "/readyz")).toEqual([
    500,
    "[-]jobsets: not synced\n[-]jobs: 100% behind\nreadyz check failed\n",
  ]);
  expect((await get(server, "/healthz"))[0]).toBe(200);
  problem = [];
  expect((await get(server, "/readyz"))[0]).toBe(200);
});

test("the endpoints may have other names, with or without a leading slash", async () => {
  const server = serve({ livenessPath: "/live", readinessPath: "ready" });
  expect((await get(server, "/live"))[0]).toBe(200);
  expect((await get(server, "/ready"))[0]).toBe(200);
  expect((await get(server, "/healthz"))[0]).toBe(404);
});

test("without a host every address is served", async () => {
  const server = serve({ address: ":0" });
  expect((await get(server, "/healthz"))[0]).toBe(200);
});

test("an address of 0 turns the probes off", () => {
  const checks = { alive: () => undefined, ready: () => undefined };
  expect(startHealthServer({ address: "0", checks })).toBeUndefined();
});

test("a port that is taken is one clear line", () => {
  const { port } = serve();
  expect(() => serve({ address: `127.0.0.1:${port}` })).toThrow(
    `serve health probes on "127.0.0.1:${port}": the port is taken by another process; ` +
      "choose another address with --health-probe-bind-address",
  );
});

test("a port is free again as soon as its server has stopped", async () => {
  const first = serve();
  await get(first, "/healthz");
  await first.stop();
  const second = serve({ address: `127.0.0.1:${first.port}` });
  expect((await get(second, "/healthz"))[0]).toBe(200);
});
