/** The certificates of an installation as everybody sees them: in the Secret, in both configurations, on the wire. */
import { connect } from "node:tls";
import { asArray, asObject, asString, at } from "../../src/base/json.ts";
import type { Api } from "../../scripts/control_plane/api.ts";
import { CONFIGURATIONS, NAMESPACE } from "./installation.ts";
import { byHand, jobSet } from "./job_sets.ts";

export const SECRET = `/api/v1/namespaces/${NAMESPACE}/secrets/jobset-webhook-server-cert`;
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const VALIDATE = "/validate-jobset-x-k8s-io-v1alpha2-jobset";
const VALID = jobSet("x", [byHand("a")]);
/** A new CA is served 5 s after every bundle has it. */
const LATE_MS = 3_000;
const CALL_TIMEOUT_MS = 5_000;

/** The Secret's texts by their keys; none where there is no Secret. */
export async function secretTexts(api: Api): Promise<Readonly<Record<string, string>>> {
  const { body } = await api.request("GET", SECRET);
  const data = Object.entries(asObject(body["data"]) ?? {});
  return Object.fromEntries(data.map(([key, text]) => [key, decode(text)]));
}

/** Sets these keys and leaves the others. */
export async function setSecret(api: Api, texts: Readonly<Record<string, string>>): Promise<void> {
  const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  await api.patch(SECRET, { data: Object.fromEntries(data) });
}

/** The CA bundle of each webhook of both configurations. */
export async function bundles(api: Api): Promise<readonly string[]> {
  const objects = await Promise.all(CONFIGURATIONS.map((path) => api.get(`${ADMISSION}/${path}`)));
  return objects.flatMap(({ webhooks }) => asArray(webhooks)).map((it) => decode(at(it, "clientConfig", "caBundle")));
}

export async function emptyBundles(api: Api): Promise<void> {
  for (const path of CONFIGURATIONS) {
    const patch = [{ op: "remove", path: "/webhooks/0/clientConfig/caBundle" }];
    await api.patch(`${ADMISSION}/${path}`, patch, "json");
  }
}

/** The fingerprint of what a replica shows to a client that trusts these CAs alone. Throws where that gets no good answer. */
export async function callReplica(port: number, bundle: string): Promise<string> {
  const uid = crypto.randomUUID();
  const kind = { group: "jobset.x-k8s.io", version: "v1alpha2", kind: "JobSet" };
  const review = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid, kind, operation: "CREATE", namespace: "default", name: "x", object: VALID },
  };
  const { fingerprint, answer } = await post(port, bundle, JSON.stringify(review));
  const response = at(JSON.parse(answer), "response");
  if (at(response, "uid") === uid && at(response, "allowed") === true) return fingerprint;
  throw new Error(`call port ${port}: it answered ${answer}`);
}

/** A client that trusts the injected bundle alone, and hears late of its changes, as an API server of several may. */
export class LateClient {
  readonly #api: Api;
  /** Newest last; all but the first may be too new to be heard of. */
  readonly #seen: { readonly atMs: number; readonly bundle: string }[] = [];

  constructor(api: Api) {
    this.#api = api;
  }

  /** The fingerprint that the replica shows. Throws where this client would not go on. */
  async call(port: number): Promise<string> {
    const [bundle = ""] = await bundles(this.#api);
    const nowMs = performance.now();
    if (this.#seen.at(-1)?.bundle !== bundle) this.#seen.push({ atMs: nowMs, bundle });
    const isHeard = ({ atMs }: { readonly atMs: number }) => nowMs - atMs >= LATE_MS;
    while (this.#seen[1] !== undefined && isHeard(this.#seen[1])) this.#seen.shift();
    return await callReplica(port, this.#seen[0]?.bundle ?? "");
  }
}

/** One request on a connection of its own, with a whole handshake. */
function post(
  port: number,
  bundle: string,
  body: string,
): Promise<{ readonly fingerprint: string; readonly answer: string }> {
  return new Promise((resolve, reject) => {
    let fingerprint = "";
    let text = "";
    const socket = connect({ host: "127.0.0.1", port, ca: bundle, rejectUnauthorized: true }, () => {
      fingerprint = socket.getPeerCertificate().fingerprint256;
      const head = `POST ${VALIDATE} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
      socket.write(head + body);
    });
    socket.setEncoding("utf8");
    socket.setTimeout(CALL_TIMEOUT_MS, () => socket.destroy(new Error(`call port ${port}: no answer`)));
    socket.on("data", (chunk: string) => text += chunk);
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", answer = ""] = text.split("\r\n\r\n");
      if (head.startsWith("HTTP/1.1 200 ")) resolve({ fingerprint, answer });
      else reject(new Error(`call port ${port}: ${text === "" ? "closed without an answer" : text}`));
    });
  });
}

/** Creates a JobSet that is not kept: both webhooks have to answer. Throws where they can't be called. */
export async function callThroughApiServer(api: Api): Promise<void> {
  const path = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets?dryRun=All";
  const made = await api.create(path, jobSet("probe", [byHand("a")]));
  if (at(made, "spec", "successPolicy") === undefined) throw new Error("create a JobSet: it got no defaults");
}

function decode(text: unknown): string {
  return Buffer.from(asString(text) ?? "", "base64").toString("utf8");
}
