/** The first seconds of an installation (R53 to R55, R58): readiness is a promise that the API server can call the webhooks. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { asObject, asString, at } from "../../src/base/json.ts";
import { watch } from "../../scripts/control_plane/api.ts";
import { createAuthority, createLeaf, type KeyAndCertificate } from "../../scripts/control_plane/certificates.ts";
import { findFreePorts } from "../../scripts/control_plane/ports.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { startFaultProxy } from "../../scripts/fault_proxy.ts";
import { ADMISSION, CONFIGURATIONS, FreshInstallation, probe, ROLES } from "./fresh_installation.ts";
import { NAMESPACE } from "./installation.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 90_000;
const SLOW_MS = 3_000;
const SHARED = "ops";

let fresh: FreshInstallation;
let environment: FreshInstallation["environment"];

beforeAll(async () => {
  fresh = await FreshInstallation.start();
  ({ environment } = fresh);
}, SETUP_TIMEOUT_MS);
afterEach(() => fresh.endReplicas(), SETUP_TIMEOUT_MS);
afterAll(() => fresh.stop(), SETUP_TIMEOUT_MS);

test("the first create after readyz succeeds, with a Secret and without one (R53)", async () => {
  const seen = await fresh.startFresh(2);
  expect(seen.map(({ answer }) => answer)).toEqual(seen.map(() => "created"));
  console.log(`fresh to ready: ${seen.map(({ readyMs }) => readyMs).join(", ")} ms`);
}, TEST_TIMEOUT_MS);

test("certificates that take their time: alive all the while, not ready, and one set in the end (R54)", async () => {
  await fresh.makeFresh();
  const { api, description, controlPlane } = environment;
  const { url, caPem, caKeyPem } = controlPlane;
  const proxy = await startFaultProxy({ url, caPem, caKeyPem });
  const isSecret = (method: string, path: string) => method !== "GET" && path.includes("/secrets");
  const slow = proxy.rule({ match: isSecret, delayMs: SLOW_MS });
  const ended = new AbortController();
  const sets = new Set<string>();
  const { resourceVersion } = asObject((await api.get(fresh.secretPath()))["metadata"]) ?? {};
  const query = `fieldSelector=metadata.name%3Djobset-webhook-server-cert&watch=1&resourceVersion=${resourceVersion}`;
  const recording = (async () => {
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets?${query}`;
    for await (const { object } of watch(api, path, ended.signal)) sets.add(JSON.stringify(object["data"]));
  })().catch((error: unknown) => {
    if (!ended.signal.aborted) throw error;
  });
  try {
    const [otherPort = 0] = await findFreePorts(1);
    const configs = [description.webhookPort, otherPort].map((port) => fresh.configOn(port));
    const started = await Promise.all(configs.map(async (config) => {
      const kubeconfig = await environment.controllerKubeconfig(proxy.url);
      return await (await fresh.replica({ config: await config, kubeconfig })).launch();
    }));
    const alive: number[] = [];
    const waiting: string[] = [];
    await waitFor("both to be ready", {
      timeoutMs: 30_000,
      check: async () => {
        const health = await Promise.all(started.map((port) => probe(port, "/healthz").catch(() => undefined)));
        // Nobody listens in the first moments of the process.
        alive.push(
          ...health.flatMap((answer) => answer === undefined && alive.length === 0 ? [] : [answer?.code ?? 0]),
        );
        const ready = await Promise.all(started.map((port) => probe(port, "/readyz").catch(() => undefined)));
        waiting.push(...ready.flatMap((answer) => answer === undefined || answer.code === 200 ? [] : [answer.text]));
        return ready.every((answer) => answer?.code === 200);
      },
      describe: () => fresh.replicas.map((each) => each.logTail()).join("\n"),
    });
    expect(slow.hits).toBeGreaterThanOrEqual(2);
    expect(new Set(alive)).toEqual(new Set([200]));
    expect(alive.length).toBeGreaterThan(20);
    expect(waiting.some((text) => text.includes("webhooks: "))).toBe(true);
    expect(await fresh.createOne()).toBe("created");
    expect(await fresh.bundles()).toEqual([await fresh.secretText("ca.crt")]);
    await waitFor("the recording to catch up", { timeoutMs: 5_000, check: () => sets.size > 0 });
    expect([...sets].filter((data) => data.includes("tls.crt"))).toHaveLength(1);
  } finally {
    ended.abort();
    await recording;
    proxy.clearRules();
    await Promise.all(fresh.replicas.map((each) => each.dispose()));
    await proxy.stop();
  }
}, TEST_TIMEOUT_MS);

test(
  "in a namespace that another operator shares: Secret, lease and certificate are of that namespace, and nothing is the other's (R58)",
  async () => {
    const { api } = environment;
    await fresh.makeFresh();
    const before = asString(at(await api.get(fresh.secretPath()), "metadata", "resourceVersion"));
    await api.create("/api/v1/namespaces", { metadata: { name: SHARED } });
    const others = [
      [`/api/v1/namespaces/${SHARED}/secrets`, { metadata: { name: "webhook-server-cert" } }],
      [`/apis/coordination.k8s.io/v1/namespaces/${SHARED}/leases`, {
        metadata: { name: "controller-leader-election" },
        spec: { holderIdentity: "other" },
      }],
      [`${ADMISSION}/validatingwebhookconfigurations`, {
        metadata: { name: "other-validating-webhook-configuration" },
        webhooks: [{
          name: "other.example.com",
          clientConfig: { service: { name: "webhook-service", namespace: SHARED } },
          rules: [{ apiGroups: ["other"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["others"] }],
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        }],
      }],
    ] as const;
    const created = await Promise.all(others.map(([path, body]) => api.create(path, body)));
    const flags = [`--namespace=${SHARED}`, "--skip-namespace"];
    await fresh.apply(fresh.printed(flags, [...ROLES, "Secret"]));
    const token = await environment.controlPlane.serviceAccountKubeconfig(SHARED, "jobset-controller-manager");
    const own = await fresh.replica({ kubeconfig: token, env: { POD_NAMESPACE: SHARED } });
    try {
      await own.start();
      expect(await fresh.createOne()).toBe("created");
      expect(await fresh.bundles()).toEqual([await fresh.secretText("ca.crt", SHARED)]);
      const lease = `/apis/coordination.k8s.io/v1/namespaces/${SHARED}/leases/6d4f6a47.jobset.x-k8s.io`;
      await waitFor("the lease to be held", {
        timeoutMs: 10_000,
        check: async () => asString(at((await api.request("GET", lease)).body, "spec", "holderIdentity")) !== undefined,
      });
      const { subjectAltName } = new X509Certificate(await fresh.secretText("tls.crt", SHARED));
      expect(subjectAltName).toContain(`jobset-webhook-service.${SHARED}.svc`);
      expect(at(await api.get(fresh.secretPath()), "metadata", "resourceVersion")).toBe(before);
      const after = await Promise.all(
        others.map(([path], index) => api.get(`${path}/${asString(at(created[index], "metadata", "name"))}`)),
      );
      expect(after).toEqual(created);
    } finally {
      await own.terminate();
      await fresh.apply(fresh.printed([], ROLES));
    }
  },
  TEST_TIMEOUT_MS,
);

/** Like a kubelet that mounts a Secret: all files change at once. */
function mount(dir: string, { certPem, keyPem }: KeyAndCertificate): void {
  const next = `${dir}.${crypto.randomUUID()}`;
  mkdirSync(next);
  writeFileSync(join(next, "tls.crt"), certPem);
  writeFileSync(join(next, "tls.key"), keyPem);
  for (const file of ["tls.key", "tls.crt"]) renameSync(join(next, file), join(dir, file));
}

/** Last, as it takes away the roles of internal certificates. */
test(
  "certificates by cert-manager, under the roles of that form: ready once they are there, the new ones served as they change (R55)",
  async () => {
    const { api, description } = environment;
    await fresh.makeFresh();
    await fresh.apply(fresh.printed(["--cert-manager"], [...ROLES, "ConfigMap"]));
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
    for (const path of ["rolebindings/jobset-manager-secrets-rolebinding", "roles/jobset-manager-secrets-role"]) {
      await api.delete(`${rbac}/${path}`);
    }
    const dir = join(description.dir, "serving-certs");
    mkdirSync(dir);
    const config = asObject(parse(await Bun.file(await fresh.configOn(description.webhookPort)).text())) ?? {};
    expect(at(config, "internalCertManagement", "enable")).toBe(false);
    const here = {
      ...config,
      webhook: { ...asObject(config["webhook"]), certDir: dir },
      metrics: { ...asObject(config["metrics"]), certDir: dir },
    };
    const own = await fresh.replica({ config: environment.writeFile("files.yaml", stringify(here)) });
    const port = await own.launch();
    await waitFor("it to say what is missing", {
      timeoutMs: 10_000,
      check: async () => (await probe(port, "/readyz").catch(() => ({ text: "" }))).text.includes(dir),
      describe: () => own.logTail(),
    });
    expect((await probe(port, "/healthz")).code).toBe(200);
    for (const generation of ["first", "second"]) {
      const authority = createAuthority(`${generation} issuer`);
      const leaf = createLeaf(authority, {
        commonName: "webhook",
        dnsNames: ["localhost"],
        ipAddresses: ["127.0.0.1"],
      });
      // The injector of cert-manager.
      for (const path of CONFIGURATIONS) await fresh.injectBundle(path, authority.certPem);
      mount(dir, leaf);
      await waitFor(`the webhooks to be called with the ${generation} certificate`, {
        timeoutMs: 15_000,
        check: async () => (await probe(port, "/readyz")).code === 200 && await fresh.isRefused(),
        describe: () => own.logTail(),
      });
      expect(await fresh.createOne()).toBe("created");
      expect(await fresh.bundles()).toEqual([authority.certPem]);
    }
    expect(await api.request("GET", fresh.secretPath()).then(({ body }) => body["data"])).toBeUndefined();
    const errors = own.logLines(" ERROR ").filter((line) => !line.includes("no certificate yet"));
    expect([...errors, ...own.logLines("forbidden")]).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);
