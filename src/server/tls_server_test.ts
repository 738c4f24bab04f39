import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { eventually, post, servingCertificate, TlsTest } from "./test_tls.ts";
import type { TlsServer } from "./tls_server.ts";

const tls = new TlsTest();
afterEach(() => tls.stop());

describe("the certificate", () => {
  test("changes fifty times under load without a failed request", async () => {
    const server = await tls.serve();
    const failures: unknown[] = [];
    let answers = 0;
    let isOver = false;
    const load = async (keepalive: boolean) => {
      while (!isOver) {
        try {
          const answer = await post(server, "x".repeat(500), { keepalive });
          if (await answer.text() !== "500 bytes") failures.push(answer.status);
          answers += 1;
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const clients = [true, true, true, false, false].map(load);
    for (let n = 1; n <= 50; n++) {
      const before = answers;
      server.setCertificate(servingCertificate(`number ${n}`));
      await eventually("requests after the change", () => answers >= before + 10 || failures.length > 0);
    }
    isOver = true;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect((await tls.connect(server)).commonName).toBe("number 50");
  }, 30_000);

  test("is a new one for new handshakes; connections that stand go on", async () => {
    const server = await tls.serve();
    const before = await tls.connect(server);
    server.setCertificate(servingCertificate("second"));
    const after = await tls.connect(server);
    expect([before.commonName, after.commonName]).toEqual(["first", "second"]);
    expect(await before.post("abc")).toEndWith("3 bytes");
  });

  test("stays where the new one is of no use", async () => {
    const server = await tls.serve();
    server.setCertificate({ certPem: servingCertificate("a").certPem, keyPem: servingCertificate("b").keyPem });
    server.setCertificate({ certPem: "", keyPem: "nonsense" });
    expect(tls.errors).toEqual(Array(2).fill("the new certificate is not used, the one before stays"));
    expect((await tls.connect(server)).commonName).toBe("first");
  });
});

describe("versions and ciphers", () => {
  const AES128 = "ECDHE-ECDSA-AES128-GCM-SHA256";
  const AES256 = "ECDHE-ECDSA-AES256-GCM-SHA384";
  const handshake = (server: TlsServer, maxVersion: "TLSv1.2" | "TLSv1.3", ciphers?: string) =>
    tls.connect(server, { maxVersion, minVersion: "TLSv1.2", ...(ciphers === undefined ? {} : { ciphers }) })
      .then(() => "works", () => "refused");

  test("TLS 1.2 is refused where the least is 1.3, after a change of certificate too", async () => {
    const strict = await tls.serve({ minVersion: "VersionTLS13" });
    const usual = await tls.serve();
    expect(await handshake(usual, "TLSv1.2")).toBe("works");
    expect(await handshake(strict, "TLSv1.2")).toBe("refused");
    strict.setCertificate(servingCertificate("second"));
    expect(await handshake(strict, "TLSv1.2")).toBe("refused");
    expect(await handshake(strict, "TLSv1.3")).toBe("works");
  });

  test("only the suites that were chosen are used, after a change of certificate too", async () => {
    const server = await tls.serve({ cipherSuites: ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"] });
    for (let round = 0; round < 2; round++) {
      expect(await handshake(server, "TLSv1.2", AES128)).toBe("refused");
      expect(await handshake(server, "TLSv1.2", AES256)).toBe("works");
      server.setCertificate(servingCertificate("second"));
    }
  });

  test("names of TLS 1.3 have no effect; unknown ones and lists that leave nothing are refused", async () => {
    const server = await tls.serve({ cipherSuites: ["TLS_AES_128_GCM_SHA256"] });
    expect(await handshake(server, "TLSv1.2", AES128)).toBe("works");
    await expect(tls.serve({ cipherSuites: ["TLS_NULL"] })).rejects.toThrow('the cipher suite "TLS_NULL" is unknown');
    await expect(tls.serve({ cipherSuites: ["TLS_RSA_WITH_RC4_128_SHA"] })).rejects.toThrow("can be served");
  });
});

describe("the port", () => {
  test("that is taken is one clear line", async () => {
    const { port } = await tls.serve();
    await expect(tls.serve({ address: { host: "127.0.0.1", port } })).rejects.toThrow(
      `serve webhooks on "127.0.0.1:${port}": the port is taken by another process; choose another address with --webhook`,
    );
  });

  test("is free again as soon as its server has stopped, connections or not", async () => {
    const first = await tls.serve();
    const client = await tls.connect(first);
    await client.post("x");
    await first.stop(0);
    const second = await tls.serve({ address: { host: "127.0.0.1", port: first.port } });
    expect(await (await post(second, "abc")).text()).toBe("3 bytes");
  });

  test("is served on every address where no host is given", async () => {
    const server = await tls.serve({ address: { host: undefined, port: 0 } });
    expect((await post(server, "")).status).toBe(200);
  });
});

test("a service of systemd serves by a socket in its own folder, and leaves none", async () => {
  if (process.platform !== "linux") return console.log("not tried: systemd is Linux's");
  const folder = mkdtempSync(join(tmpdir(), "runtime-"));
  const before = process.env["RUNTIME_DIRECTORY"];
  try {
    process.env["RUNTIME_DIRECTORY"] = folder;
    const server = await tls.serve();
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await (await post(server, "abc")).text()).toBe("3 bytes");
    await server.stop(0);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    if (before === undefined) delete process.env["RUNTIME_DIRECTORY"];
    else process.env["RUNTIME_DIRECTORY"] = before;
    rmSync(folder, { recursive: true });
  }
});

test("a handler that throws is a 500, and the next request is served", async () => {
  let calls = 0;
  const server = await tls.serve({
    fetch: () => {
      calls += 1;
      if (calls === 1) throw new Error("broken");
      return new Response("fine");
    },
  });
  expect((await post(server, "")).status).toBe(500);
  expect(tls.errors).toEqual(["a request failed"]);
  expect(await (await post(server, "")).text()).toBe("fine");
});

describe("stopping", () => {
  test("answers what is in flight, takes no new connection and closes each one in order", async () => {
    const release = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const server = await tls.serve({
      fetch: async (request) => {
        if (request.url.endsWith("/slow")) {
          arrived.resolve();
          await release.promise;
        }
        return new Response("done");
      },
    });
    const idle = await tls.connect(server);
    await idle.post("x");
    const busy = await tls.connect(server);
    const answer = busy.post("x", "/slow");
    await arrived.promise;
    const stopped = server.stop(10_000);
    await idle.closed();
    await expect(tls.connect(server)).rejects.toThrow();
    expect(busy.isClosed).toBe(false);
    release.resolve();
    expect(await answer).toEndWith("done");
    expect(await answer).toMatch(/^connection: close\r$/im);
    await stopped;
    await busy.closed();
  });

  test("answers a connection in use once more, and tells it to close", async () => {
    const server = await tls.serve();
    const client = await tls.connect(server);
    await client.post("x");
    const stopped = server.stop(10_000);
    expect(await client.post("abc")).toMatch(/connection: close[^]*3 bytes$/i);
    await client.closed();
    await stopped;
  });

  test("answers a request that came just before, on a connection that was quiet for long", async () => {
    const clock = systemClock();
    let aheadMs = 0;
    const server = await tls.serve({ clock: { ...clock, monotonic: () => clock.monotonic() + aheadMs } });
    const client = await tls.connect(server);
    await client.post("x");
    aheadMs = 5_000;
    const answer = client.post("abc");
    await server.stop(10_000);
    expect(await answer).toEndWith("3 bytes");
  });

  test("finishes the handshakes that have begun", async () => {
    const server = await tls.serve();
    const { socket } = tls.plain(server);
    await eventually("the connection to be taken", () => server.handshakes === 1);
    const stopped = server.stop(10_000);
    const client = await tls.connect(server, { socket });
    expect(await client.post("abc")).toEndWith("3 bytes");
    await stopped;
  });

  test("that is near is told with each answer, while new connections are taken", async () => {
    const server = await tls.serve();
    const client = await tls.connect(server);
    server.retire();
    expect(await client.post("abc")).toMatch(/connection: close[^]*3 bytes$/i);
    await client.closed();
    expect(await (await tls.connect(server)).post("abc")).toMatch(/connection: close[^]*3 bytes$/i);
  });

  test("under load: every request that was accepted is answered", async () => {
    const server = await tls.serve();
    const cut: string[] = [];
    const load = async () => {
      const client = await tls.connect(server);
      for (;;) {
        const answer = await client.post("x".repeat(1_000));
        if (!answer.endsWith("1000 bytes")) cut.push(answer);
        if (/connection: close/i.test(answer) || client.isClosed) return;
      }
    };
    const clients = Array.from({ length: 10 }, load);
    const first = await tls.connect(server);
    await first.post("x");
    await server.stop(10_000);
    await Promise.all(clients);
    expect(cut).toEqual([]);
  });

  test("ends at the deadline, whoever has not been answered", async () => {
    const arrived = Promise.withResolvers<void>();
    const server = await tls.serve({
      fetch: () => {
        arrived.resolve();
        return new Promise<Response>(() => undefined);
      },
    });
    const client = await tls.connect(server);
    const answer = client.post("x");
    await arrived.promise;
    await server.stop(100);
    expect(await answer).toBe("");
    expect(client.isClosed).toBe(true);
  });
});
