import { afterEach, describe, expect, test } from "bun:test";
import { connect, createServer } from "node:net";
import { fixedCredentials } from "./credentials.ts";
import { makeTestCertificate } from "./test_certificates.ts";
import { NO_CREDENTIALS, portOf, rejection, testAccess, testClient, TestServers } from "./test_server.ts";

const servers = new TestServers();
afterEach(() => servers.stop());

const GET = { method: "GET", path: "/x" } as const;

describe("TLS", () => {
  const ca = makeTestCertificate({ commonName: "ca" });
  const loopback = makeTestCertificate({ commonName: "server", issuer: ca, ipAddresses: ["127.0.0.1"] });
  const named = makeTestCertificate({ commonName: "server", issuer: ca, dnsNames: ["kube.example"] });
  const alice = makeTestCertificate({ commonName: "alice", issuer: ca });

  test("proves the client by its certificate and checks the server's CA and name", async () => {
    const mutual = { cert: loopback.certPem, key: loopback.keyPem, ca: ca.certPem, requestCert: true };
    const server = servers.serve(() => Response.json({}), { ...mutual, rejectUnauthorized: true });
    const credentials = { ...NO_CREDENTIALS, ca: ca.certPem, cert: alice.certPem, key: alice.keyPem };
    const request = (it: typeof credentials | typeof NO_CREDENTIALS) =>
      testClient(server, { access: testAccess(server, { credentials: fixedCredentials(it) }) }).request(GET);
    expect(await request(credentials)).toEqual({});
    expect(await rejection(request({ ...NO_CREDENTIALS, ca: ca.certPem }))).toMatchObject({ status: 0 });
    const stranger = makeTestCertificate({ commonName: "another ca" });
    expect(await rejection(request({ ...credentials, ca: stranger.certPem }))).toMatchObject({
      status: 0,
      reason: "Certificate",
      message: `GET ${server}/x: the server's certificate is not signed by the CA of the configuration`,
    });
  });

  test("takes tls-server-name for the server's name, and skips the check where told to", async () => {
    const server = servers.serve(() => Response.json({}), { cert: named.certPem, key: named.keyPem });
    const request = (options: Parameters<typeof testAccess>[1]) => {
      const credentials = fixedCredentials({ ...NO_CREDENTIALS, ca: ca.certPem });
      return testClient(server, { access: testAccess(server, { credentials, ...options }) }).request(GET);
    };
    expect(await rejection(request({}))).toMatchObject({ message: expect.stringContaining("is for other names") });
    expect(await request({ tlsServerName: "kube.example" })).toEqual({});
    expect(await rejection(request({ tlsServerName: "other.example" }))).toMatchObject({ reason: "Certificate" });
    const unknown = fixedCredentials(NO_CREDENTIALS);
    expect(await request({ credentials: unknown, insecureSkipTlsVerify: true })).toEqual({});
  });

  test("takes no notice of the proxy that Bun itself finds in the environment", async () => {
    servers.setEnvironment("HTTP_PROXY", "http://127.0.0.1:1");
    expect(await testClient(servers.serve(() => Response.json({}))).request(GET)).toEqual({});
  });

  test("goes through a proxy by CONNECT where the rules say so, and past it where they do not", async () => {
    servers.setEnvironment("NO_PROXY", "*"); // of Bun's own rules: ours are handed in
    const connects: string[] = [];
    const proxy = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", (data) => {
        const [, host = "", port = "", login = ""] =
          /^CONNECT (\S+):(\d+) [^]*?(?:Proxy-Authorization: (.*)\r\n[^]*)?$/i.exec(data.toString()) ?? [];
        connects.push(`${host} ${login.trim()}`);
        const target = connect(Number(port), "127.0.0.1", () => {
          socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
          socket.pipe(target).pipe(socket);
        });
        target.on("error", () => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    servers.cleanUp(() => void proxy.close());
    const server = servers.serve(() => Response.json({}), { cert: named.certPem, key: named.keyPem })
      .replace("127.0.0.1", "kube.example");
    const credentials = fixedCredentials({ ...NO_CREDENTIALS, ca: ca.certPem });
    const env = { HTTPS_PROXY: `http://user:pass@127.0.0.1:${portOf(proxy)}` };
    const access = testAccess(server, { credentials });
    expect(await testClient(server, { access, env }).request(GET)).toEqual({});
    expect(connects).toEqual(["kube.example Basic dXNlcjpwYXNz"]);
    const exempt = testClient(server, { access, env: { ...env, NO_PROXY: "kube.example" } });
    expect(await rejection(exempt.request({ ...GET, timeoutMs: 2_000 }))).toMatchObject({ status: 0 });
    expect(connects).toHaveLength(1);
    const viaConfig = testAccess(server, { credentials, proxyUrl: `http://127.0.0.1:${portOf(proxy)}` });
    expect(await testClient(server, { access: viaConfig, env: { NO_PROXY: "*" } }).request(GET)).toEqual({});
    expect(connects).toHaveLength(2);
  });
});
