import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { CRD, DEPLOYMENT, InstallServer, lifeOf, MUTATING, NAMESPACE } from "./install_server.ts";

const START_MS = 20 * 60_000;
const CONFIG = `/api/v1/namespaces/${NAMESPACE}/configmaps/jobset-manager-config`;
const NODE = "/api/v1/nodes/node-0";

let server: InstallServer;

beforeAll(async () => {
  server = await InstallServer.start();
}, START_MS);
afterEach(() => server.empty(), START_MS);
afterAll(() => server.stop(), START_MS);

/** The lines that tell of objects, without the last words. */
function steps(out: string): readonly string[] {
  return out.trim().split("\n").filter((line) => /: (created|configured|unchanged|deleted)/.test(line));
}

async function deployment(): Promise<JsonObject> {
  return await server.api.get(DEPLOYMENT);
}

describe("jobset install", () => {
  test("fills an empty cluster, step by step, and waits until it is ready; again it changes nothing", async () => {
    const first = await server.must("install");
    expect(steps(first)).toHaveLength(22);
    for (const line of steps(first)) expect(line).toEndWith(": created");
    expect(first).toEndWith("jobset install: ready\n");
    expect(at(await deployment(), "status", "availableReplicas")).toBe(1);
    const again = await server.must("install");
    for (const line of steps(again)) expect(line).toEndWith(": unchanged");
  });

  test("with --dry-run stores nothing", async () => {
    const out = await server.must("install", "--dry-run");
    for (const line of steps(out)) expect(line).toEndWith(": created (dry run)");
    expect(steps(out)).toHaveLength(22);
    expect(await server.find(CRD)).toBeUndefined();
    expect(await server.find(`/api/v1/namespaces/${NAMESPACE}`)).toBeUndefined();
  });

  test("keeps what was chosen before unless a flag says otherwise", async () => {
    await server.must("install", "--replicas=2", "--image-pull-secret=pull", "--wait=false");
    const text =
      "apiVersion: config.jobset.x-k8s.io/v1alpha1\nkind: Configuration\nclientConnection:\n  qps: 7 # slow\n";
    await server.api.patch(CONFIG, { data: { "controller_manager_config.yaml": text } });
    expect(await server.must("upgrade", "--wait=false")).toContain("its configuration is kept as it is");
    expect(at(await deployment(), "spec", "replicas")).toBe(2);
    expect(at(await deployment(), "spec", "template", "spec", "imagePullSecrets")).toEqual([{ name: "pull" }]);
    const data = async () => asString(at(await server.api.get(CONFIG), "data", "controller_manager_config.yaml"));
    expect(await data()).toBe(text);
    await server.must("install", "--feature-gates=RestartJob=true", "--replicas=1", "--wait=false");
    expect(await data()).toBe(`${text}featureGates:\n  RestartJob: true\n`);
    expect(at(await deployment(), "spec", "replicas")).toBe(1);
    await server.must("install", "--reset-config", "--wait=false");
    expect(await data()).toContain("burst: 500");
  });

  test("changes nothing where it can't go on, and says why in one line", async () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["--cert-manager"], "the cluster does not know cert-manager.io/v1: install cert-manager first"],
      [["--prometheus"], "the cluster does not know monitoring.coreos.com/v1: install the Prometheus operator first"],
      [["--timeout=soon"], '--timeout: "soon" is not a duration'],
    ];
    for (const [flags, message] of cases) {
      const { code, error } = await server.jobset("install", ...flags);
      expect(error).toContain(message);
      expect(error.trim().split("\n")).toHaveLength(1);
      expect(code).toBe(1);
    }
    expect(await server.find(CRD)).toBeUndefined();
    expect((await server.jobset("upgrade")).error).toContain("nothing is installed in namespace jobset-system");
  });

  test("without permission names what is forbidden", async () => {
    const { code, error, out } = await server.jobsetAsNobody("install");
    expect(error).toMatch(/^error: .*forbidden: User "nobody" cannot .*log in as a cluster administrator/);
    expect(error.trim().split("\n")).toHaveLength(1);
    expect({ code, out }).toEqual({ code: 1, out: "" });
  });

  test("refuses a configuration that the controller would refuse", async () => {
    await server.must("install", "--wait=false");
    await server.api.patch(CONFIG, { data: { "controller_manager_config.yaml": "kind: Configuration\nwebhok: {}\n" } });
    const { code, error } = await server.jobset("upgrade");
    expect(error).toContain("webhok");
    expect(error).toContain("--reset-config");
    expect(code).toBe(1);
  });

  test("refuses a configuration that the Deployment's probes do not follow, but not on a head node", async () => {
    await server.must("install", "--wait=false");
    const text = "health:\n  healthProbeBindAddress: :9090\n";
    await server.api.patch(CONFIG, { data: { "controller_manager_config.yaml": text } });
    const { code, error } = await server.jobset("upgrade");
    expect(error).toContain("health.healthProbeBindAddress (:9090): the Deployment's probes ask port 8081");
    expect(error.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(1);
    await server.must("uninstall");
    await server.gone(`/api/v1/namespaces/${NAMESPACE}`);
    await server.must("install", "--webhook-url=https://127.0.0.1:9443");
    await server.api.patch(CONFIG, { data: { "controller_manager_config.yaml": text } });
    expect(await server.must("upgrade")).toContain("its configuration is kept as it is");
  });

  test("says what holds up the Deployment when time is over", async () => {
    await server.api.patch(NODE, { spec: { unschedulable: true } });
    try {
      const { code, error } = await server.jobset("install", "--timeout=4s");
      expect(error).toMatch(
        /^error: wait for Deployment jobset-system\/jobset-controller-manager to be ready: not within 4s: /,
      );
      expect(error).toContain("0 of 1 replicas are ready: Pod jobset-controller-manager-");
      expect(error).toContain("0/1 nodes are available");
      expect(code).toBe(1);
    } finally {
      await server.api.patch(NODE, { spec: { unschedulable: null } });
    }
  });

  test("refuses a second installation in another namespace; an upgrade finds the first", async () => {
    await server.must("install", "--wait=false");
    const { error } = await server.jobset("install", "--namespace=other");
    expect(error).toContain("a JobSet controller is installed in namespace jobset-system");
    expect(await server.find("/api/v1/namespaces/other")).toBeUndefined();
  });

  test("goes from Service to URL and back", async () => {
    await server.must("install", "--wait=false");
    const config = async () => at(asArray((await server.api.get(MUTATING))["webhooks"])[0], "clientConfig");
    await server.must("uninstall");
    await server.must("install", "--webhook-url=https://127.0.0.1:9443");
    expect(await config()).toEqual({ url: "https://127.0.0.1:9443/mutate-jobset-x-k8s-io-v1alpha2-jobset" });
    expect(await server.find(DEPLOYMENT)).toBeUndefined();
    expect(await server.must("upgrade")).toContain("with its webhooks on port 9443 of 127.0.0.1");
    const elsewhere = await server.jobset("install", "--namespace=other", "--webhook-url=https://127.0.0.1:9443");
    expect(elsewhere.error).toContain("is installed in namespace jobset-system");
    await server.must("install", "--webhook-url=none", "--wait=false");
    expect(await config()).toMatchObject({ service: { name: "jobset-webhook-service" } });
    expect(at(await config(), "url")).toBeUndefined();
  });
});

describe("jobset uninstall", () => {
  test("keeps the CRD and all JobSets, and says so", async () => {
    await server.must("install", "--webhook-url=https://127.0.0.1:9443");
    await server.must("uninstall");
    const paths = Object.values(await server.createJobSet());
    const before = await lifeOf(server, paths);
    await server.must("install");
    const { out } = await server.jobset("uninstall");
    const lines = steps(out);
    expect(lines[0]).toStartWith("MutatingWebhookConfiguration ");
    expect(lines[1]).toStartWith("ValidatingWebhookConfiguration ");
    expect(lines[2]).toStartWith("Deployment ");
    expect(lines.at(-1)).toStartWith("Namespace ");
    expect(out).toContain("the CRD jobsets.jobset.x-k8s.io stays, and with it 1 JobSet,");
    expect(await lifeOf(server, paths)).toEqual(before);
    await server.gone(`/api/v1/namespaces/${NAMESPACE}`);
    expect(await server.must("uninstall")).toContain("nothing of an installation was found");
  });

  test("takes the JobSets only when that is confirmed", async () => {
    await server.must("install", "--webhook-url=https://127.0.0.1:9443");
    await server.must("uninstall");
    const { jobSet } = await server.createJobSet();
    const refused = await server.jobset("uninstall", "--crds");
    expect(refused.error).toContain("1 JobSet and their Jobs would be deleted: give --yes");
    expect(await server.find(jobSet)).toBeDefined();
    await server.must("uninstall", "--crds", "--yes", "--dry-run");
    expect(await server.find(jobSet)).toBeDefined();
    await server.must("uninstall", "--crds", "--yes");
    expect(await server.find(CRD)).toBeUndefined();
  });

  test("with --dry-run deletes nothing", async () => {
    await server.must("install", "--webhook-url=https://127.0.0.1:9443");
    await server.must("uninstall");
    const { jobSet } = await server.createJobSet();
    await server.must("install", "--wait=false");
    const paths = [jobSet, CRD, DEPLOYMENT, MUTATING, CONFIG, `/api/v1/namespaces/${NAMESPACE}`];
    const stored = async () => await Promise.all(paths.map((path) => server.find(path)));
    const before = (await stored()).map((object) => at(object, "metadata", "uid"));
    const out = await server.must("uninstall", "--crds", "--yes", "--dry-run");
    for (const line of steps(out)) expect(line).toEndWith(": deleted (dry run)");
    expect(out).toContain("CustomResourceDefinition jobsets.jobset.x-k8s.io: deleted (dry run)");
    const after = await stored();
    expect(after.map((object) => at(object, "metadata", "uid"))).toEqual(before);
    expect(after.map((object) => at(object, "metadata", "deletionTimestamp"))).toEqual(paths.map(() => undefined));
  });

  test("leaves the Role of a Prometheus operator in a namespace that is shared with it", async () => {
    const roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/monitoring/roles";
    await server.api.create("/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "monitoring" },
    });
    await server.api.create(roles, { metadata: { name: "prometheus-k8s" }, rules: [] });
    await server.must("install", "--namespace=monitoring", "--skip-namespace", "--wait=false");
    const out = await server.must("uninstall", "--namespace=monitoring");
    expect(out).toContain("Role monitoring/jobset-leader-election-role: deleted");
    expect(at(await server.api.get(`${roles}/prometheus-k8s`), "metadata", "deletionTimestamp")).toBeUndefined();
    expect(await server.find(`${roles}/jobset-leader-election-role`)).toBeUndefined();
  });

  test("leaves a namespace that holds something else", async () => {
    await server.must("install", "--wait=false");
    const claims = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
    await server.api.create(claims, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "somebody-elses" } });
    expect(await server.must("uninstall")).toContain(
      "the namespace jobset-system stays: it has ConfigMap somebody-elses",
    );
    await server.api.delete(`${claims}/somebody-elses`);
  });
});
