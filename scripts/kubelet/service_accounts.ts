import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import type { Api } from "../control_plane/api.ts";
import { podKey } from "./pod_fields.ts";

/** Longer than any test. */
const TOKEN_SECONDS = 24 * 60 * 60;

/** What each Pod finds in /var/run/secrets/kubernetes.io/serviceaccount: written once, however often its containers restart. */
export class ServiceAccounts {
  readonly #api: Api;
  readonly #dir: string;
  readonly #folders = new Map<string, Promise<string>>();

  constructor(api: Api, dir: string) {
    this.#api = api;
    this.#dir = dir;
  }

  /** The folder, with a token that is bound to the Pod. */
  folderOf(pod: JsonObject): Promise<string> {
    const { uid } = podKey(pod);
    const known = this.#folders.get(uid);
    if (known !== undefined) return known;
    const written = this.#write(pod);
    this.#folders.set(uid, written);
    written.catch(() => this.#folders.delete(uid)); // told to whoever asked; the next start asks again
    return written;
  }

  forget(pod: JsonObject): void {
    this.#folders.delete(podKey(pod).uid);
  }

  async #write(pod: JsonObject): Promise<string> {
    const { namespace, name, uid } = podKey(pod);
    const account = asString(at(pod, "spec", "serviceAccountName")) ?? "default";
    const answer = await this.#api.create(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: TOKEN_SECONDS, boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid } },
    });
    const folder = join(this.#dir, "pods", uid, "serviceaccount");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "token"), asString(at(answer, "status", "token")) ?? "", { mode: 0o600 });
    writeFileSync(join(folder, "namespace"), namespace);
    writeFileSync(join(folder, "ca.crt"), this.#api.access.caPem);
    return folder;
  }
}
