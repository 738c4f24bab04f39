import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FakeClock } from "../base/fake_clock.ts";
import type { JsonObject } from "../base/json.ts";
import { type ClusterAccess, type ClusterAccessOptions, loadClusterAccess } from "./cluster_access.ts";
import { ClusterAccessError } from "./cluster_access_error.ts";
import { makeTestCertificate } from "./test_certificates.ts";
import { rejection, silentLog, until } from "./test_server.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "jobset-kubeconfig-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ca = makeTestCertificate({ commonName: "ca" });
const alice = makeTestCertificate({ commonName: "alice", issuer: ca });
const bob = makeTestCertificate({ commonName: "bob", issuer: ca });

/** Writes a file below the test's folder and returns its path. */
function write(name: string, content: string | JsonObject): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function load(options: Partial<ClusterAccessOptions> = {}): Promise<ClusterAccess> {
  return loadClusterAccess({ env: {}, clock: new FakeClock(), log: silentLog(), ...options });
}

/** A kubeconfig with one cluster, user and context, all called `c`. */
function config(cluster: JsonObject, user: JsonObject = {}): JsonObject {
  return {
    "current-context": "c",
    clusters: [{ name: "c", cluster: { server: "https://kube:6443", ...cluster } }],
    users: [{ name: "c", user }],
    contexts: [{ name: "c", context: { cluster: "c", user: "c", namespace: "team" } }],
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

async function words(promise: Promise<unknown>): Promise<string> {
  const error = await rejection(promise);
  if (!(error instanceof ClusterAccessError)) throw error;
  expect(error.message).not.toContain("\n");
  return error.message.replaceAll(folder, "DIR");
}

describe("a kubeconfig", () => {
  test("gives server, namespace, TLS settings and proxy of its current context", async () => {
    const kubeconfig = write(
      "all/config",
      `
apiVersion: v1
kind: Config
current-context: two
clusters:
- name: one
  cluster: { server: "https://one:6443" }
- name: two
  cluster:
    server: https://two:6443/prefix/
    tls-server-name: kube.example
    insecure-skip-tls-verify: true
    proxy-url: http://proxy:3128
users: []
contexts:
- name: one
  context: { cluster: one }
- name: two
  context: { cluster: two, namespace: team }
`,
    );
    expect(await load({ kubeconfig })).toMatchObject({
      server: "https://two:6443/prefix",
      namespace: "team",
      tlsServerName: "kube.example",
      insecureSkipTlsVerify: true,
      proxyUrl: "http://proxy:3128",
      source: `context "two" of ${kubeconfig}`,
    });
    expect(await load({ kubeconfig, context: "one" })).toMatchObject({
      server: "https://one:6443",
      namespace: undefined,
      tlsServerName: undefined,
      insecureSkipTlsVerify: false,
      proxyUrl: undefined,
    });
  });

  test("gives certificates as data or as files beside it, the data first", async () => {
    write("certs/ca.crt", ca.certPem);
    write("certs/pki/alice.crt", alice.certPem);
    write("certs/pki/alice.key", alice.keyPem);
    const files = { "client-certificate": "pki/alice.crt", "client-key": join(folder, "certs/pki/alice.key") };
    const asFiles = await load({
      kubeconfig: write("certs/files", config({ "certificate-authority": "ca.crt" }, files)),
    });
    const credentials = { ca: ca.certPem, cert: alice.certPem, key: alice.keyPem, headers: {} };
    expect(await asFiles.credentials.current()).toEqual(credentials);
    const data = { "client-certificate-data": base64(alice.certPem), "client-key-data": base64(alice.keyPem) };
    const both = config({ "certificate-authority-data": base64(ca.certPem) }, { ...data, "client-key": "nowhere" });
    expect(await (await load({ kubeconfig: write("certs/data", both) })).credentials.current()).toEqual(credentials);
  });

  test.each<[JsonObject, Record<string, string>]>([
    [{ token: "t" }, { Authorization: "Bearer t" }],
    [{ username: "u", password: "p" }, { Authorization: `Basic ${base64("u:p")}` }],
    [{ username: "u", token: "t" }, { Authorization: "Bearer t" }],
    [{ tokenFile: "token", token: "t" }, { Authorization: "Bearer from-file" }],
    [{ token: "t", as: "x", "as-uid": "7", "as-groups": ["g"] }, {
      Authorization: "Bearer t",
      "Impersonate-User": "x",
      "Impersonate-Uid": "7",
      "Impersonate-Group": "g",
    }],
    [{}, {}],
  ])("logs in as its user says: %j", async (user, headers) => {
    write("login/token", "from-file\n");
    const access = await load({ kubeconfig: write("login/config", config({}, user)) });
    expect((await access.credentials.current()).headers).toEqual(headers);
  });

  test("is merged from a KUBECONFIG list: the first to name a thing wins, whole; missing files are passed over", async () => {
    const first = write("merge/first", {
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c" } }],
      users: [{ name: "u", user: { username: "first" } }],
    });
    const second = write("merge/second", {
      "current-context": "other",
      contexts: [{ name: "c", context: { cluster: "wrong" } }, { name: "d", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: "https://kube", "certificate-authority": "ca.crt" } }],
      users: [{ name: "u", user: { token: "second" } }],
    });
    write("merge/ca.crt", ca.certPem);
    const env = { KUBECONFIG: `${join(folder, "merge/none")}::${first}:${second}` };
    expect(await load({ env })).toMatchObject({ server: "https://kube" });
    const other = await load({ env, context: "d" });
    expect(await other.credentials.current())
      .toMatchObject({ ca: ca.certPem, headers: { Authorization: `Basic ${base64("first:")}` } });
  });

  test.each<[string, string | JsonObject, string]>([
    ["bad YAML", "a: 1\nb: [1\nc: 2\n", 'read kubeconfig "DIR/bad": line 3 is not valid YAML: '],
    ["a key twice", "a: 1\na: 2\n", 'read kubeconfig "DIR/bad": line 2 is not valid YAML: Map keys must be unique'],
    ["a list", "- a\n", 'read kubeconfig "DIR/bad": it holds no mapping; is it a kubeconfig?'],
    ["nothing", "", 'read kubeconfig "DIR/bad": no current-context is set; give --context (it has no contexts)'],
    ["no list", { clusters: {} }, 'read kubeconfig "DIR/bad": "clusters" must be a list'],
    ["no name", { users: [{}] }, 'read kubeconfig "DIR/bad": an entry of "users" has no name'],
    ["a name twice", { users: [{ name: "x" }, { name: "x" }] }, 'read kubeconfig "DIR/bad": "users" has "x" twice'],
    ["no current context", { contexts: [{ name: "x" }, { name: "y" }] }, 'give --context (it has "x", "y")'],
    [
      "an unknown context",
      { "current-context": "z", contexts: [{ name: "x" }] },
      'there is no context "z"; it has "x"',
    ],
    [
      "no cluster in the context",
      { "current-context": "x", contexts: [{ name: "x" }] },
      'read context "x" in "DIR/bad": it names no cluster',
    ],
    [
      "an unknown cluster",
      { "current-context": "x", contexts: [{ name: "x", context: { cluster: "q" } }] },
      'read context "x" in "DIR/bad": it names cluster "q", which is not there',
    ],
    [
      "an unknown user",
      { ...config({}), users: [] },
      'read context "c" in "DIR/bad": it names user "c", which is not there',
    ],
    ["no server", config({ server: "" }), 'read cluster "c" in "DIR/bad": it has no server'],
    [
      "no URL",
      config({ server: "kube:6443" }),
      'its server "kube:6443" is no URL that begins with https:// or http://',
    ],
    ["a number for a token", config({}, { token: 5 }), 'its "token" must be a string; put it in quotes'],
    [
      "no file",
      config({ "certificate-authority": "none.crt" }),
      'read certificate-authority of cluster "c" in "DIR/bad" "DIR/none.crt": no such file',
    ],
    ["no base64", config({ "certificate-authority-data": "%" }), "certificate-authority-data of cluster"],
    ["no PEM", config({ "certificate-authority-data": base64("hello") }), "no PEM certificate in it"],
    [
      "a broken PEM",
      config({ "certificate-authority-data": base64("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----") }),
      "its PEM certificate does not parse",
    ],
    [
      "insecure with a CA",
      config({ "certificate-authority-data": base64(ca.certPem), "insecure-skip-tls-verify": true }),
      "insecure-skip-tls-verify and a certificate authority exclude each other",
    ],
    [
      "a certificate without key",
      config({}, { "client-certificate-data": base64(alice.certPem) }),
      "client-certificate without client-key",
    ],
    [
      "another's key",
      config({}, { "client-certificate-data": base64(alice.certPem), "client-key-data": base64(bob.keyPem) }),
      'read client-key-data of user "c" in "DIR/bad": it does not belong to client-certificate-data of user "c"',
    ],
    [
      "no key",
      config({}, { "client-certificate-data": base64(alice.certPem), "client-key-data": base64("x") }),
      "no usable PEM private key in it",
    ],
    ["many groups", config({}, { as: "x", "as-groups": ["a", "b"] }), "more than one of as-groups are not supported"],
  ])("with %s is refused in one line that says where", async (_, content, expected) => {
    expect(await words(load({ kubeconfig: write("bad", content) }))).toContain(expected);
  });
});

describe("the order of the search", () => {
  const inCluster = () => {
    write("account/token", "pod-token\n");
    write("account/ca.crt", ca.certPem);
    write("account/namespace", "jobset-system\n");
    return {
      KUBERNETES_SERVICE_HOST: "fd00::1",
      KUBERNETES_SERVICE_PORT: "443",
      JOBSET_SERVICE_ACCOUNT_DIR: join(folder, "account"),
    };
  };
  const named = (name: string) => config({ server: `https://${name}` });

  test("is --kubeconfig, KUBECONFIG, the Pod's account, ~/.kube/config", async () => {
    const kubeconfig = write("order/flag", named("flag"));
    const KUBECONFIG = write("order/env", named("env"));
    write("home/.kube/config", named("home"));
    const HOME = join(folder, "home");
    expect((await load({ kubeconfig, env: { KUBECONFIG, HOME, ...inCluster() } })).server).toBe("https://flag");
    expect((await load({ env: { KUBECONFIG, HOME, ...inCluster() } })).server).toBe("https://env");
    const pod = await load({ env: { HOME, ...inCluster() } });
    expect(pod).toMatchObject({ server: "https://[fd00::1]:443", namespace: "jobset-system" });
    expect(await pod.credentials.current())
      .toMatchObject({ ca: ca.certPem, headers: { Authorization: "Bearer pod-token" } });
    expect((await load({ env: { HOME } })).server).toBe("https://home");
  });

  test("passes over a Pod without a token, and over the Pod where a context is wanted", async () => {
    write("home2/.kube/config", named("home"));
    const HOME = join(folder, "home2");
    const without = { ...inCluster(), JOBSET_SERVICE_ACCOUNT_DIR: join(folder, "none") };
    expect((await load({ env: { HOME, ...without } })).server).toBe("https://home");
    expect((await load({ env: { HOME, ...inCluster() }, context: "c" })).server).toBe("https://home");
  });

  test("ends in one line that says what to do", async () => {
    expect(await words(load({ env: { HOME: join(folder, "nobody") } }))).toBe(
      "find the cluster: no --kubeconfig, KUBECONFIG is not set, this is no Pod with a service account token, " +
        "and DIR/nobody/.kube/config does not exist; give --kubeconfig FILE",
    );
    expect(await words(load({ kubeconfig: join(folder, "none") }))).toBe('read kubeconfig "DIR/none": no such file');
    expect(await words(load({ kubeconfig: folder }))).toBe('read kubeconfig "DIR": it is a directory');
    expect(await words(load({ env: { KUBECONFIG: join(folder, "none") } }))).toBe(
      'read KUBECONFIG "DIR/none": no such file',
    );
  });
});

describe("credentials that rotate", () => {
  test("are read again after a minute, and at once when they were refused", async () => {
    const clock = new FakeClock();
    const token = write("rotate/token", "one");
    const { credentials } = await load({
      clock,
      kubeconfig: write("rotate/config", config({}, { tokenFile: "token" })),
    });
    const bearer = async () => (await credentials.current()).headers["Authorization"];
    writeFileSync(token, "two");
    clock.advance(59_999);
    expect(await bearer()).toBe("Bearer one");
    clock.advance(1);
    expect(await bearer()).toBe("Bearer two");
    writeFileSync(token, "three");
    clock.advance(1_000);
    expect((await credentials.renew(await credentials.current())).headers["Authorization"]).toBe("Bearer three");
  });

  test("stay what they were while a file is missing or half of a pair is new", async () => {
    const clock = new FakeClock();
    const errors: string[] = [];
    const log = { ...silentLog(), error: (message: string) => errors.push(message) };
    const cert = write("half/crt", alice.certPem);
    const key = write("half/key", alice.keyPem);
    const user = { "client-certificate": "crt", "client-key": "key" };
    const { credentials } = await load({ clock, log, kubeconfig: write("half/config", config({}, user)) });
    writeFileSync(cert, bob.certPem);
    for (let minute = 0; minute < 3; minute++) {
      clock.advance(60_000);
      expect((await credentials.current()).cert).toBe(alice.certPem);
    }
    expect(errors).toEqual(["cannot read credentials again, keeping the former"]);
    writeFileSync(key, bob.keyPem);
    clock.advance(60_000);
    expect(await credentials.current()).toMatchObject({ cert: bob.certPem, key: bob.keyPem });
    rmSync(key);
    clock.advance(60_000);
    expect(await credentials.current()).toMatchObject({ cert: bob.certPem, key: bob.keyPem });
    expect(errors).toHaveLength(2);
  });
});

describe("an exec plugin", () => {
  function plugin(name: string, script: string): void {
    chmodSync(write(name, `#!/bin/sh\n${script}\n`), 0o755);
  }

  function execConfig(name: string, exec: JsonObject): string {
    return write(
      name,
      config({ "certificate-authority-data": base64(ca.certPem) }, {
        exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin", ...exec },
      }),
    );
  }

  test("gives a token, is told what client-go tells it, and runs again when that token is refused", async () => {
    plugin(
      "exec/plugin",
      `
n=$(cat "$1/count" 2>/dev/null || echo 0); n=$((n + 1)); echo $n > "$1/count"
printf '%s' "$KUBERNETES_EXEC_INFO" > "$1/info"
echo "{\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"$EXTRA-$n\\"}}"`,
    );
    const clock = new FakeClock();
    const exec = { args: [join(folder, "exec")], env: [{ name: "EXTRA", value: "token" }], provideClusterInfo: true };
    const { credentials } = await load({ clock, kubeconfig: execConfig("exec/config", exec) });
    const first = await credentials.current();
    expect(first).toEqual({
      ca: ca.certPem,
      cert: undefined,
      key: undefined,
      headers: { Authorization: "Bearer token-1" },
    });
    clock.advance(30_000);
    expect(await credentials.current()).toBe(first);
    clock.advance(10_000);
    expect((await credentials.renew(first)).headers).toEqual({ Authorization: "Bearer token-2" });
    expect(await Bun.file(join(folder, "exec/info")).json()).toMatchObject({
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      spec: {
        interactive: false,
        cluster: { server: "https://kube:6443", "certificate-authority-data": base64(ca.certPem) },
      },
    });
  });

  test("gives a client certificate", async () => {
    const status = { clientCertificateData: alice.certPem, clientKeyData: alice.keyPem };
    write("exec-cert/answer", { kind: "ExecCredential", status });
    plugin("exec-cert/plugin", 'cat "$1"');
    const { credentials } = await load({
      kubeconfig: execConfig("exec-cert/config", { args: [join(folder, "exec-cert/answer")] }),
    });
    expect(await credentials.current()).toMatchObject({ cert: alice.certPem, key: alice.keyPem, headers: {} });
  });

  test("that does not end is given up after a minute", async () => {
    plugin("exec-slow/plugin", "exec sleep 10");
    const clock = new FakeClock();
    const loading = words(load({ clock, kubeconfig: execConfig("exec-slow/config", {}) }));
    await until("it runs", () => clock.timerCount === 1);
    clock.advance(60_000);
    expect(await loading).toBe('run exec plugin "./plugin" of user "c": no answer within 60 s');
  });

  test.each([
    [
      "is missing",
      "",
      { command: "no-such-program", installHint: "See\nthe manual." },
      'run exec plugin "no-such-program" of user "c": no such program; install it or put it into PATH (See the manual.)',
    ],
    ["fails", "echo 'please log in' >&2; exit 3", {}, 'run exec plugin "./plugin" of user "c": please log in'],
    ["answers nothing", "echo '{\"status\":{}}'", {}, "it returned neither a token nor a certificate"],
    ["answers no JSON", "echo hello", {}, 'run exec plugin "./plugin" of user "c": '],
    ["has no command", "", { command: "" }, "its exec has no command"],
  ])("that %s is an error of one line", async (_, script, exec, expected) => {
    plugin("exec-bad/plugin", script);
    expect(await words(load({ kubeconfig: execConfig("exec-bad/config", exec) }))).toContain(expected);
  });
});
