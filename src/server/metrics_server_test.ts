import { connect } from "node:tls";
import { afterEach, expect, test } from "bun:test";
import { FakeClock } from "../base/fake_clock.ts";
import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import { metricsRoutes, type MetricsServer, type MetricsServerOptions, startMetricsServer } from "./metrics_server.ts";
import { testReviews } from "./test_reviews.ts";
import { servingCertificate } from "./test_tls.ts";

const METRICS = { contentType: "text/plain; version=0.0.4; charset=utf-8", text: () => "a 1\n" };

const servers: MetricsServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(0);
});

function routes() {
  const clock = new FakeClock();
  const errors: string[] = [];
  const log: Log = { info: () => undefined, error: (message) => errors.push(message) };
  const reviews = testReviews();
  const app = metricsRoutes({ metrics: METRICS, client: reviews, clock, log });
  const get = async (token: string | undefined, path = "/metrics", method = "GET") => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await app.fetch(new Request(`https://host${path}`, { method, headers }));
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { clock, errors, reviews, get };
}

test("metrics are given to those who may", async () => {
  const { status, headers, text } = await routes().get("good");
  expect([status, text]).toEqual([200, "a 1\n"]);
  expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
});

test("without a valid token the answer is 401, without permission 403", async () => {
  const { get } = routes();
  const nobody = await get(undefined);
  expect([nobody.status, nobody.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  expect((await get("bad")).status).toBe(401);
  const { status, text } = await get("stranger");
  expect([status, text]).toEqual([403, 'user "stranger" may not get /metrics\n']);
});

test("where the API server fails the answer is 500 and one line, logged once a minute", async () => {
  const { clock, errors, reviews, get } = routes();
  reviews.failure = new Error("secret address: connection refused");
  for (let count = 0; count < 3; count++) {
    const { status, text } = await get("good");
    expect([status, text]).toEqual([500, "who asks could not be checked: the API server gave no answer\n"]);
  }
  expect(errors).toHaveLength(1);
  clock.advance(60_000);
  await get("good");
  expect(errors).toHaveLength(2);
});

test("other paths and methods are not served, and nobody is asked for them", async () => {
  const { reviews, get } = routes();
  expect((await get("good", "/")).status).toBe(404);
  expect((await get("good", "/metrics/x")).status).toBe(404);
  expect((await get("good", "/metrics", "POST")).status).toBe(405);
  expect(reviews.requests).toEqual([]);
});

class Certificates {
  current: ServingCertificate | undefined;
  readonly #listeners: ((certificate: ServingCertificate) => void)[] = [];

  onChange(listener: (certificate: ServingCertificate) => void): void {
    this.#listeners.push(listener);
  }

  set(certificate: ServingCertificate): void {
    this.current = certificate;
    for (const listener of this.#listeners) listener(certificate);
  }
}

async function serve(certificates: Certificates, options: Partial<MetricsServerOptions> = {}) {
  const server = await startMetricsServer({
    address: "127.0.0.1:0",
    metrics: METRICS,
    client: testReviews(),
    certificates,
    tls: { minVersion: "VersionTLS12", cipherSuites: [] },
    clock: systemClock(),
    log: { info: () => undefined, error: () => undefined },
    ...options,
  });
  if (server !== undefined) servers.push(server);
  return server;
}

async function scrape(server: MetricsServer | undefined): Promise<number> {
  const response = await fetch(`https://127.0.0.1:${server?.port}/metrics`, {
    headers: { authorization: "Bearer good" },
    tls: { rejectUnauthorized: false },
  });
  await response.text();
  return response.status;
}

/** The name in the certificate that a new connection is shown. */
function shownName(server: MetricsServer | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: server?.port ?? 0, rejectUnauthorized: false });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
  });
}

test("metrics are served over HTTPS with the certificate of the moment", async () => {
  const certificates = new Certificates();
  certificates.set(servingCertificate("first"));
  const server = await serve(certificates);
  expect([await scrape(server), await shownName(server)]).toEqual([200, "first"]);
  certificates.set(servingCertificate("second"));
  expect([await scrape(server), await shownName(server)]).toEqual([200, "second"]);
});

test("without a certificate the server waits for one", async () => {
  const certificates = new Certificates();
  const server = await serve(certificates);
  expect(server?.port).toBeUndefined();
  certificates.set(servingCertificate("first"));
  certificates.set(servingCertificate("second"));
  const deadline = performance.now() + 10_000;
  while (server?.port === undefined && performance.now() < deadline) await new Promise((r) => setTimeout(r, 5));
  expect([await scrape(server), await shownName(server)]).toEqual([200, "second"]);
});

test("a port that is taken is one clear line, whenever the certificate comes", async () => {
  const certificates = new Certificates();
  certificates.set(servingCertificate("first"));
  const other = await serve(certificates);
  const address = `127.0.0.1:${other?.port}`;
  const words = `serve metrics on "${address}": the port is taken by another process`;
  await expect(serve(certificates, { address })).rejects.toThrow(words);
  const later = new Certificates();
  const server = await serve(later, { address });
  later.set(servingCertificate("first"));
  await expect(server?.failed).rejects.toThrow(words);
});

test("an address of 0 turns metrics off, one that is none is refused", async () => {
  expect(await serve(new Certificates(), { address: "0" })).toBeUndefined();
  await expect(serve(new Certificates(), { address: "nowhere" })).rejects.toThrow(
    'serve metrics: "nowhere" is not an address',
  );
});
