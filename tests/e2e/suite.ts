import { afterAll, beforeAll, test } from "bun:test";
import { Cluster } from "./cluster.ts";
import { type Controller, type ControllerOptions, startController } from "./controller.ts";
import { type Environment, findEnvironment } from "./environment.ts";

const SETUP_TIMEOUT_MS = 20 * 60_000;
const TEST_TIMEOUT_MS = 90_000;

export type Body = (cluster: Cluster) => Promise<void>;

/** The tests of a file that share one controller: each has a namespace of its own, and they run at the same time. */
export interface Suite {
  test(name: string, body: Body, timeoutMs?: number): void;
}

/** Starts the controller before the file's tests and ends it after them. */
export function suite(options: ControllerOptions = {}): Suite {
  const started = Promise.withResolvers<{ readonly environment: Environment; readonly controller: Controller }>();
  started.promise.catch(() => undefined); // told by beforeAll
  let environment: Environment | undefined;
  let controller: Controller | undefined;
  beforeAll(async () => {
    try {
      environment = await findEnvironment();
      controller = await startController(environment, options);
      started.resolve({ environment, controller });
    } catch (error) {
      started.reject(error);
      throw error;
    }
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await controller?.dispose();
    await environment?.stop();
  }, SETUP_TIMEOUT_MS);
  return {
    test(name, body, timeoutMs = TEST_TIMEOUT_MS) {
      test.concurrent(name, async () => {
        const { environment, controller } = await started.promise;
        await inNamespace(environment, controller, body);
      }, timeoutMs);
    },
  };
}

/** Runs a test's body in a new namespace; what it throws is told with the end of the controller's log. */
async function inNamespace(environment: Environment, controller: Controller, body: Body): Promise<void> {
  const cluster = await Cluster.create(environment);
  try {
    await body(cluster);
  } catch (error) {
    const said = controller.logTail(2000).split("\n").filter((line) => line.includes(cluster.namespace)).slice(-40);
    console.error(`${cluster.namespace}: the controller's log ends:\n${said.join("\n")}`);
    throw error;
  } finally {
    await cluster.remove();
  }
}
