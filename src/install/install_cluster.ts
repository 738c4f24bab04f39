import { messageOf } from "../base/message_of.ts";
import { type Clock, sleep } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { asArray, asObject, asString, at, type JsonObject } from "../base/json.ts";
import { isForbidden, isNotFound, isUnauthorized } from "../client/api_error.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { adoptedFields, FIELD_MANAGER } from "./field_owners.ts";
import { describeName, groupPath, listPath, nameOf, type ObjectName, objectPath } from "./resource_path.ts";

export interface InstallClusterOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Takes one line of progress, without its line break. */
  readonly report: (line: string) => void;
  /** The API server checks everything and stores nothing. */
  readonly isDryRun: boolean;
  /** How long each wait may take. */
  readonly timeoutMs: number;
}

const LOOK_EVERY_MS = 500;

/** The cluster as the install commands see it: each step reports a line, each failure says which object and what to do. */
export class InstallCluster {
  readonly isDryRun: boolean;
  readonly report: (line: string) => void;
  readonly #options: InstallClusterOptions;

  constructor(options: InstallClusterOptions) {
    this.#options = options;
    this.isDryRun = options.isDryRun;
    this.report = options.report;
  }

  /** The object, or undefined where there is none, or none of its kind. */
  find(name: ObjectName): Promise<JsonObject | undefined> {
    return this.#findAt(`read ${describeName(name)}`, objectPath(name));
  }

  /** The objects of a kind, in one namespace or in all; none where the cluster does not know the kind. */
  async list(
    kind: string,
    { namespace, ...query }: { namespace?: string | undefined; labelSelector?: string; fieldSelector?: string } = {},
  ): Promise<readonly JsonObject[]> {
    const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
    const list = await this.#findAt(`list ${kind}s${where}`, listPath(kind, namespace), query);
    return asArray(list?.["items"]).map((item) => asObject(item) ?? {});
  }

  /** Whether the cluster serves a group's version. */
  async knows(apiVersion: string): Promise<boolean> {
    return await this.#findAt(`ask for ${apiVersion}`, groupPath(apiVersion)) !== undefined;
  }

  /** Any path that is read; undefined where there is nothing. */
  get(action: string, path: string, query: Readonly<Record<string, string>> = {}): Promise<JsonObject | undefined> {
    return this.#findAt(action, path, query);
  }

  /** Server-side apply; what other installers set and we don't goes, what the cluster or the controller set stays. */
  async apply(object: JsonObject): Promise<JsonObject> {
    const name = nameOf(object);
    const before = await this.find(name);
    await this.#adopt(before);
    try {
      const after = await this.#write("PATCH", `apply ${describeName(name)}`, objectPath(name), {
        query: { fieldManager: FIELD_MANAGER, force: "true" },
        contentType: "application/apply-patch+yaml",
        body: object,
      });
      this.#tell(name, before === undefined ? "created" : isSame(before, after) ? "unchanged" : "configured");
      return after;
    } catch (error) {
      // Whether its namespace is there is not known to a dry run that would make it.
      if (!this.isDryRun || !isNotFound(causeOf(error)) || name.namespace === undefined) throw error;
      this.#tell(name, "created");
      return object;
    }
  }

  /** A JSON patch of an object that must not have changed since it was read. */
  async patch(before: JsonObject, operations: readonly JsonObject[]): Promise<JsonObject> {
    const name = nameOf(before);
    const resourceVersion = at(before, "metadata", "resourceVersion");
    const after = await this.#write("PATCH", `change ${describeName(name)}`, objectPath(name), {
      query: { fieldManager: FIELD_MANAGER },
      contentType: "application/json-patch+json",
      body: [{ op: "test", path: "/metadata/resourceVersion", value: resourceVersion }, ...operations],
    });
    return after;
  }

  /** False where there was nothing to remove. With `isAwaited` it returns once the object and what it owns are gone. */
  async remove(name: ObjectName, { isAwaited }: { readonly isAwaited: boolean }): Promise<boolean> {
    const propagationPolicy = isAwaited ? "Foreground" : "Background";
    try {
      await this.#write("DELETE", `delete ${describeName(name)}`, objectPath(name), { body: { propagationPolicy } });
    } catch (error) {
      if (isNotFound(causeOf(error))) return false;
      throw error;
    }
    if (isAwaited && !this.isDryRun) {
      await this.waitFor(`${describeName(name)} to be gone`, async () => {
        const left = await this.find(name);
        return left === undefined ? undefined : describeLeft(left);
      });
    }
    this.#tell(name, "deleted");
    return true;
  }

  /** Returns once `problem` has none left to tell; throws with the last one when time is over. */
  async waitFor(what: string, problem: () => Promise<string | undefined>): Promise<void> {
    const { clock, timeoutMs, signal } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    for (;;) {
      const found = await problem();
      if (found === undefined) return;
      if (clock.monotonic() >= deadline) {
        throw new Error(`wait for ${what}: not within ${formatDuration(timeoutMs)}: ${found}`);
      }
      await sleep(clock, LOOK_EVERY_MS, signal);
    }
  }

  /** Makes ours the fields of the tools that installed the object. */
  async #adopt(before: JsonObject | undefined): Promise<void> {
    const managedFields = before === undefined ? undefined : adoptedFields(before);
    if (before === undefined || managedFields === undefined || this.isDryRun) return;
    await this.patch(before, [{ op: "replace", path: "/metadata/managedFields", value: managedFields }]);
  }

  #tell(name: ObjectName, what: string): void {
    this.report(`${describeName(name)}: ${what}${this.isDryRun ? " (dry run)" : ""}`);
  }

  async #findAt(
    action: string,
    path: string,
    query: Readonly<Record<string, string>> = {},
  ): Promise<JsonObject | undefined> {
    try {
      return asObject(await this.#options.client.request({ method: "GET", path, query, signal: this.#options.signal }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw failed(action, error);
    }
  }

  async #write(
    method: "PATCH" | "DELETE",
    action: string,
    path: string,
    { query = {}, body, ...more }: {
      readonly query?: Readonly<Record<string, string>>;
      readonly contentType?: string;
      readonly body: unknown;
    },
  ): Promise<JsonObject> {
    const { client, signal } = this.#options;
    const whole = this.isDryRun ? { ...query, dryRun: "All" } : query;
    // Of a delete the API server reads the options in its body and, where there is one, no others: without it there it deletes.
    const options = this.isDryRun && method === "DELETE" ? { ...asObject(body), dryRun: ["All"] } : body;
    try {
      return asObject(await client.request({ method, path, query: whole, signal, body: options, ...more })) ?? {};
    } catch (error) {
      throw failed(action, error);
    }
  }
}

/** One line that names the action, what the server said, and what to do. */
function failed(action: string, error: unknown): Error {
  const words = messageOf(error);
  const advice = isForbidden(error)
    ? "; log in as a cluster administrator, or have one grant this"
    : isUnauthorized(error)
    ? "; renew the kubeconfig's credentials"
    : "";
  return new Error(`${action}: ${words}${advice}`, { cause: error });
}

/** Why an action of ours failed. */
export function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

/** The object as before, but for who owns its fields since when. */
function isSame(before: JsonObject, after: JsonObject): boolean {
  return Bun.deepEquals(withoutBooks(before), withoutBooks(after));
}

function withoutBooks(object: JsonObject): JsonObject {
  const { managedFields: _, resourceVersion: __, generation: ___, ...metadata } = asObject(object["metadata"]) ?? {};
  const { status: ____, ...rest } = object;
  return { ...rest, metadata };
}

function describeLeft(object: JsonObject): string {
  const finalizers = asArray(at(object, "metadata", "finalizers")).map((entry) => asString(entry) ?? "");
  return finalizers.length === 0 ? "it is still there" : `it waits for ${finalizers.join(", ")}`;
}
