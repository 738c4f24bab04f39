/** Two replicas of the controller that stand for one lease. */
import { readFileSync } from "node:fs";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { Controller } from "./controller.ts";
import type { Environment } from "./environment.ts";
import { AT_ONCE_MS, mayBeFromBefore } from "./from_before.ts";
import { credentialOf, readReigns, type ReignReport } from "./reigns.ts";

const LEASE_NAMESPACE = "jobset-system";
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${LEASE_NAMESPACE}/leases/6d4f6a47.jobset.x-k8s.io`;
const LOOK_EVERY_MS = 10;

export interface Replica {
  readonly name: string;
  readonly controller: Controller;
  /** What the audit log knows its requests by: each replica has a token of its own. */
  readonly credential: string;
}

export class Replicas {
  readonly all: readonly Replica[];
  readonly #environment: Environment;
  readonly #position: number;
  /** By credential, in milliseconds since 1970. */
  readonly #resumedAtMs = new Map<string, number[]>();

  private constructor(environment: Environment, all: readonly Replica[]) {
    this.#environment = environment;
    this.#position = environment.auditPosition();
    this.all = all;
  }

  static async start(environment: Environment, flags: readonly (readonly string[])[]): Promise<Replicas> {
    const all = await Promise.all(flags.map(async (own, index): Promise<Replica> => {
      const kubeconfig = await environment.controllerKubeconfig();
      const controller = new Controller(environment, kubeconfig, { flags: own });
      return { name: `replica ${index}`, controller, credential: credentialOf(tokenIn(kubeconfig)) };
    }));
    const replicas = new Replicas(environment, all);
    await Promise.all(all.map(({ controller }) => controller.start()));
    return replicas;
  }

  async lease(): Promise<JsonObject> {
    return Object(at((await this.#environment.api.request("GET", LEASE)).body, "spec"));
  }

  /** The replica that the Lease names, undefined where it names none that runs. */
  async holder(): Promise<Replica | undefined> {
    const identity = asString((await this.lease())["holderIdentity"]) ?? "";
    if (identity === "") return undefined;
    return this.all.find(({ controller }) =>
      controller.isRunning() && controller.logLines("became the leader").some((line) => line.includes(identity))
    );
  }

  /** Waits until the Lease names another replica than this one, or any; which, and how long that took. */
  async takeover(
    from: Replica | undefined,
    timeoutMs: number,
  ): Promise<{ readonly by: Replica; readonly tookMs: number }> {
    const startedAt = performance.now();
    let by: Replica | undefined;
    await waitFor(`another leader than ${from?.name ?? "none"}`, {
      timeoutMs,
      everyMs: LOOK_EVERY_MS,
      check: async () => {
        by = await this.holder();
        return by !== undefined && by !== from;
      },
      describe: async () => `${JSON.stringify(await this.lease())}\n${this.logTails()}`,
    });
    if (by === undefined) throw new Error("wait for a leader: none");
    return { by, tookMs: performance.now() - startedAt };
  }

  /** Lets one that stood still go on. */
  resume({ controller, credential }: Replica): void {
    this.#resumedAtMs.set(credential, [...this.#resumedAtMs.get(credential) ?? [], Date.now()]);
    signal(controller, "SIGCONT");
  }

  /** Who held the lease and who wrote in these namespaces, from the start on; what stood still below the fence is no matter. */
  reigns(namespaces: readonly string[]): ReignReport {
    const entries = [LEASE_NAMESPACE, ...namespaces]
      .flatMap((namespace) => this.#environment.auditSince(this.#position, namespace))
      .filter((entry) => !mayBeFromBefore(entry, { resumedAtMs: this.#resumedAtMs, lateMs: AT_ONCE_MS }));
    return readReigns(entries);
  }

  logTails(): string {
    return this.all.map(({ name, controller }) => `${name}:\n${controller.logTail(15)}`).join("\n");
  }

  async dispose(): Promise<void> {
    for (const { controller } of this.all) {
      // One that stands still does not hear SIGTERM.
      signal(controller, "SIGCONT");
      await controller.dispose();
    }
  }
}

export function signal(controller: Controller, name: NodeJS.Signals): void {
  if (controller.pid !== undefined && controller.isRunning()) process.kill(controller.pid, name);
}

function tokenIn(kubeconfig: string): string {
  const config: unknown = JSON.parse(readFileSync(kubeconfig, "utf8"));
  const token = asString(at(asArray(at(config, "users"))[0], "user", "token"));
  if (token === undefined) throw new Error(`read a token from "${kubeconfig}": there is none`);
  return token;
}
