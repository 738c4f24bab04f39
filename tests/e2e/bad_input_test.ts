/** What can't work is told in one line that says what to do, with exit code 1 and no stack trace. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { asString, at } from "../../src/base/json.ts";
import { createAuthority } from "../../scripts/control_plane/certificates.ts";
import { kubeconfigText } from "../../scripts/control_plane/kubeconfig.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { behindProxy } from "./behind_proxy.ts";
import { Cluster } from "./cluster.ts";
import { type Environment, findEnvironment } from "./environment.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
/** A server that does not answer is waited for this long (start_problem.ts), and then some. */
const GIVES_UP_WITHIN_MS = 12_000;

let environment: Environment;
beforeAll(async () => {
  environment = await findEnvironment();
}, SETUP_TIMEOUT_MS);
afterAll(() => environment.stop(), SETUP_TIMEOUT_MS);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  /** Without the log's lines, which come before the error. */
  readonly errors: readonly string[];
  readonly tookMs: number;
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { binary, dir } = environment.description;
  const startedAt = performance.now();
  const child = Bun.spawn([binary, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    cwd: dir,
    env: { HOME: join(dir, "nobody"), ...env },
  });
  const giveUp = setTimeout(() => child.kill("SIGKILL"), 40_000);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(giveUp);
  const errors = stderr.trimEnd().split("\n").filter((line) => !/^\d{4}-\S+Z INFO /.test(line));
  return { code, stdout, errors, tookMs: performance.now() - startedAt };
}

/** The one line. */
function lineOf({ code, stdout, errors }: Ended): string {
  expect(errors).toHaveLength(1);
  expect(stdout).toBe("");
  expect(code).toBe(1);
  const [line = ""] = errors;
  expect(line).toStartWith("error: ");
  expect(line).not.toMatch(/ at .*:\d+:\d+|undefined|\[object/);
  return line;
}

const controller = (...flags: readonly string[]) =>
  run(["controller", "--health-probe-bind-address=127.0.0.1:0", ...flags]);

function kubeconfig(options: { readonly url?: string; readonly caPem?: string; readonly token?: string }): string {
  const { url, adminToken } = environment.description;
  const text = kubeconfigText({
    url: options.url ?? url,
    caPem: options.caPem ?? environment.api.access.caPem,
    user: "somebody",
    token: options.token ?? adminToken,
  });
  return environment.writeFile("bad.kubeconfig", text);
}

test.concurrent("a kubeconfig that is not there, not readable as YAML, or empty of what is needed", async () => {
  const missing = join(environment.description.dir, "no such file");
  expect(lineOf(await controller(`--kubeconfig=${missing}`))).toContain(missing);
  const broken = environment.writeFile("broken.kubeconfig", "clusters: [\n  oops: {\n");
  expect(lineOf(await controller(`--kubeconfig=${broken}`))).toContain(broken);
  const twice = environment.writeFile("twice.kubeconfig", "kind: Config\nkind: Config\n");
  expect(lineOf(await controller(`--kubeconfig=${twice}`))).toContain(twice);
  const empty = environment.writeFile("empty.kubeconfig", "{}\n");
  expect(lineOf(await controller(`--kubeconfig=${empty}`))).toContain(empty);
  expect(lineOf(await controller(`--kubeconfig=${environment.description.dir}`))).toContain(
    environment.description.dir,
  );
});

test.concurrent("no kubeconfig anywhere: where it was looked for, and what to do", async () => {
  expect(lineOf(await controller())).toMatch(/--kubeconfig/);
});

test.concurrent("a context that the kubeconfig does not have: its name, and those that there are", async () => {
  const line = lineOf(await controller(`--kubeconfig=${kubeconfig({})}`, "--context=nowhere"));
  expect(line).toContain("nowhere");
  expect(line).toContain("jobset-lite");
});

test.concurrent("flags: an unknown one, one without its value, values that make no sense", async () => {
  const help = "see 'jobset controller --help'";
  for (
    const [flag, words] of [
      ["--kubeconfg=x", "did you mean --kubeconfig?"],
      ["--kubeconfig", "needs a value"],
      ["--kube-api-qps=fast", '"fast"'],
      ["--kube-api-qps=-1", '"-1"'],
      ["--kube-api-burst=1.5", '"1.5"'],
      ["--zap-log-level=loud", '"loud"'],
      ["--namespace=No_Such", '"No_Such"'],
      ["--health-probe-bind-address=nonsense", '"nonsense"'],
    ] as const
  ) {
    const line = lineOf(await run(["controller", flag]));
    expect(line).toContain(words);
    expect(line).toContain(help);
  }
  expect(lineOf(await run(["controler"]))).toContain('unknown command "controler" (did you mean controller?)');
  expect(lineOf(await controller("surplus"))).toContain("unexpected argument");
});

test.concurrent(
  "a server that nobody runs, or that has no such host: given up after 10 s, with its address",
  async () => {
    const [port = 0] = await findFreePorts(1);
    const [refused, unknown] = await Promise.all([
      controller(`--kubeconfig=${kubeconfig({ url: `https://127.0.0.1:${port}` })}`),
      controller(`--kubeconfig=${kubeconfig({ url: "https://no-such-host.invalid:6443" })}`),
    ]);
    expect(lineOf(refused)).toContain(`https://127.0.0.1:${port}`);
    expect(lineOf(refused)).toContain("connection refused");
    expect(refused.tookMs).toBeLessThan(GIVES_UP_WITHIN_MS);
    expect(lineOf(unknown)).toContain("no-such-host.invalid");
    expect(unknown.tookMs).toBeLessThan(GIVES_UP_WITHIN_MS);
  },
  60_000,
);

test.concurrent("a server that takes the connection and says nothing: given up as soon", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const silent = await controller(`--kubeconfig=${kubeconfig({ url: `https://127.0.0.1:${port}` })}`);
  server.close();
  expect(lineOf(silent)).toContain(`https://127.0.0.1:${port}`);
  expect(silent.tookMs).toBeLessThan(GIVES_UP_WITHIN_MS);
}, 60_000);

test.concurrent(
  "another CA than the server's: told, and not waited for longer than for any other trouble",
  async () => {
    const wrong = await controller(
      `--kubeconfig=${kubeconfig({ caPem: createAuthority("another authority").certPem })}`,
    );
    expect(lineOf(wrong)).toContain("not signed by the CA");
    expect(wrong.tookMs).toBeLessThan(GIVES_UP_WITHIN_MS);
  },
  60_000,
);

test.concurrent("a token that the server does not know: 401, told at once", async () => {
  const refused = await controller(`--kubeconfig=${kubeconfig({ token: "nobody" })}`);
  expect(lineOf(refused)).toMatch(/Unauthorized|not accept our credentials/);
  expect(lineOf(refused)).toContain("renew");
  expect(refused.tookMs).toBeLessThan(5_000);
});

test.concurrent("a user without the role: which verb on what is missing, and which role grants it", async () => {
  const cluster = await Cluster.create(environment);
  try {
    const path = `/api/v1/namespaces/${cluster.namespace}/serviceaccounts`;
    await cluster.api.create(path, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "powerless" } });
    const answer = await cluster.api.create(`${path}/powerless/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {},
    });
    const token = asString(at(answer, "status", "token")) ?? "";
    const line = lineOf(await controller(`--kubeconfig=${kubeconfig({ token })}`));
    expect(line).toContain("forbidden");
    expect(line).toContain(`system:serviceaccount:${cluster.namespace}:powerless`);
    expect(line).toMatch(/cannot (list|watch) resource/);
    expect(line).toContain("jobset-manager-role of 'jobset manifests'");
  } finally {
    await cluster.remove();
  }
}, 60_000);

test.concurrent("a port that another process has: its flag is named", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const taken = await run([
    "controller",
    `--kubeconfig=${kubeconfig({})}`,
    `--health-probe-bind-address=127.0.0.1:${port}`,
  ]);
  server.close();
  expect(lineOf(taken)).toContain(`127.0.0.1:${port}`);
  expect(lineOf(taken)).toContain("--health-probe-bind-address");
});

test.concurrent(
  "no CRD: one line that tells how to apply it; applied within 5 s of the start it is used",
  async () => {
    const cluster = await Cluster.create(environment);
    try {
      await behindProxy(cluster, async ({ proxy, controller }) => {
        // As an API server answers that has never heard of the group.
        const answer = { code: 404, body: "404 page not found\n" };
        const rule = proxy.rule({ match: (_method, path) => path.startsWith("/apis/jobset.x-k8s.io/"), answer });
        await controller.launch();
        await cluster.eventually("the end of it", () => Promise.resolve(!controller.isRunning()));
        const [line, ...more] = controller.logLines("").filter((each) => !each.includes(" INFO "));
        expect(more).toEqual([]);
        expect(line).toStartWith("error: ");
        expect(line).toContain("jobset manifests --crds-only | kubectl apply");
        const started = controller.start();
        const before = rule.hits;
        await cluster.eventually("it to ask for JobSets", () => Promise.resolve(rule.hits > before));
        rule.remove();
        await started;
        expect(controller.isRunning()).toBe(true);
      });
    } finally {
      await cluster.remove();
    }
  },
  60_000,
);
