import { afterAll, beforeAll, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import { Controller, type ControllerOptions, startController } from "./controller.ts";
import { type Environment, findEnvironment } from "./environment.ts";
import { WEBHOOKS_OFF } from "./installation.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 90_000;
const LOG_LINES = 40;

/** The tests of a file; each has a namespace of its own, and they run at the same time. */
export interface Suite<Subject extends readonly unknown[]> {
  test(name: string, body: (...subject: Subject) => Promise<void>, timeoutMs?: number): void;
  /** A test whose namespace the webhooks leave alone: its objects are as their author wrote them, good or bad. */
  testWithoutWebhooks(name: string, body: (...subject: Subject) => Promise<void>, timeoutMs?: number): void;
}

type Labels = Readonly<Record<string, string>>;

/** Tests that share one controller, which runs as installed, started before the first and ended after the last. */
export function suite(options: ControllerOptions = {}): Suite<readonly [Cluster]> {
  const environment = useEnvironment();
  const controller = Promise.withResolvers<Controller>();
  controller.promise.catch(() => undefined); // told by beforeAll
  beforeAll(async () => {
    try {
      controller.resolve(await startController(await environment, { isInstalled: true, ...options }));
    } catch (error) {
      controller.reject(error);
      throw error;
    }
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => await (await controller.promise).dispose(), SETUP_TIMEOUT_MS);
  return bothKinds((labels, name, body, timeoutMs) => {
    test.concurrent(name, async () => {
      const shared = await controller.promise;
      await inNamespace({ environment: await environment, labels, controller: () => shared, body });
    }, timeoutMs);
  });
}

/**
 * Tests with a controller each, which watches only the test's namespace and runs only once the test starts it: what happened
 * before, it sees all at once.
 */
export function soloSuite(): Suite<readonly [Cluster, Controller]> {
  const environment = useEnvironment();
  return bothKinds((labels, name, body, timeoutMs) => {
    test.concurrent(name, async () => {
      const found = await environment;
      let controller: Controller | undefined;
      const use = async (cluster: Cluster) => {
        const flags = [`--namespace=${cluster.namespace}`];
        const own = new Controller(found, await found.controllerKubeconfig(), { flags });
        controller = own;
        try {
          await body(cluster, own);
        } finally {
          await own.dispose();
        }
      };
      await inNamespace({ environment: found, labels, controller: () => controller, body: use });
    }, timeoutMs);
  });
}

function bothKinds<Subject extends readonly unknown[]>(
  add: (labels: Labels, name: string, body: (...subject: Subject) => Promise<void>, timeoutMs: number) => void,
): Suite<Subject> {
  return {
    test: (name, body, timeoutMs = TEST_TIMEOUT_MS) => add({}, name, body, timeoutMs),
    testWithoutWebhooks: (name, body, timeoutMs = TEST_TIMEOUT_MS) => add(WEBHOOKS_OFF, name, body, timeoutMs),
  };
}

/** The environment from the first test of a file to its last. */
function useEnvironment(): Promise<Environment> {
  const environment = Promise.withResolvers<Environment>();
  environment.promise.catch(() => undefined); // told by beforeAll
  beforeAll(async () => {
    try {
      environment.resolve(await findEnvironment());
    } catch (error) {
      environment.reject(error);
      throw error;
    }
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => await (await environment.promise).stop(), SETUP_TIMEOUT_MS);
  return environment.promise;
}

/** Runs a test's body in a new namespace; what it throws is told with what the controller logged about it. */
async function inNamespace(
  { environment, labels, controller, body }: {
    readonly environment: Environment;
    readonly labels: Labels;
    readonly controller: () => Controller | undefined;
    readonly body: (cluster: Cluster) => Promise<void>;
  },
): Promise<void> {
  const cluster = await Cluster.create(environment, labels);
  try {
    await body(cluster);
  } catch (error) {
    const lines = controller()?.logLines(cluster.namespace) ?? [];
    console.error(`${cluster.namespace}: the controller's log ends:\n${lines.slice(-LOG_LINES).join("\n")}`);
    throw error;
  } finally {
    await cluster.remove();
  }
}
