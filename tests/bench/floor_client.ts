/**
 * The floor: what the API server allows to a client that has nothing to decide. A process of its own, as the controller is.
 * It makes Jobs from bodies that are ready as text, and on a restart deletes them and makes each again as the old one is gone.
 * The same fetch, TLS and token login as the controller; no retries, no cache, no parsing beyond the names of deleted Jobs.
 *
 * It reads orders as lines of JSON and answers each with one line; it ends with its input.
 */
import { readFileSync } from "node:fs";
import { type FloorOrder, type FloorSettings, IN_FLIGHT } from "./floor_protocol.ts";

interface Client {
  readonly settings: FloorSettings;
  readonly session: Bun.FetchSession;
}

interface Body {
  readonly name: string;
  readonly text: string;
}

const DELETE_OPTIONS = JSON.stringify({ apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Foreground" });

async function serve(): Promise<void> {
  let client: Client | undefined;
  for await (const line of console) {
    if (line === "") continue; // the end of the input
    const order = JSON.parse(line) as FloorOrder;
    if (order.kind === "settings") client = connect(order.settings);
    else if (client === undefined) throw new Error("floor: an order came before the settings");
    else if (order.kind === "create") await createAll(client, readBodies(order.bodiesFile));
    else await recreateAll(client, readBodies(order.bodiesFile), order.labelSelector);
    console.log("done");
  }
}

function connect(settings: FloorSettings): Client {
  const session = new Bun.FetchSession({
    keepAlive: { idleTimeout: 60 },
    proxy: false,
    tls: { ca: settings.caPem },
  });
  return { settings, session };
}

function readBodies(file: string): readonly Body[] {
  const bodies = JSON.parse(readFileSync(file, "utf8")) as readonly { readonly metadata: { readonly name: string } }[];
  return bodies.map((body) => ({ name: body.metadata.name, text: JSON.stringify(body) }));
}

async function createAll(client: Client, bodies: readonly Body[]): Promise<void> {
  const pool = new Pool(bodies.map((body) => () => create(client, body)));
  await pool.run();
}

/** Deletes go out first: the sooner the garbage collector has them, the sooner all are gone. */
async function recreateAll(client: Client, bodies: readonly Body[], labelSelector: string): Promise<void> {
  const byName = new Map(bodies.map((body) => [body.name, body]));
  const pool = new Pool(bodies.map(({ name }) => () => remove(client, name)), bodies.length * 2);
  const stop = new AbortController();
  const watching = await watchDeletions(client, { labelSelector, signal: stop.signal }, (name) => {
    const body = byName.get(name);
    if (body !== undefined) pool.add(() => create(client, body));
  });
  await pool.run();
  stop.abort();
  await watching.ended;
}

/** Runs at most IN_FLIGHT requests at once; ends after `total` of them. */
class Pool {
  readonly #waiting: (() => Promise<void>)[];
  readonly #ended = Promise.withResolvers<void>();
  #next = 0;
  #running = 0;
  #left: number;
  #isStarted = false;

  constructor(requests: (() => Promise<void>)[], total: number = requests.length) {
    this.#waiting = requests;
    this.#left = total;
  }

  add(request: () => Promise<void>): void {
    this.#waiting.push(request);
    if (this.#isStarted) this.#start();
  }

  run(): Promise<void> {
    this.#isStarted = true;
    this.#start();
    return this.#ended.promise;
  }

  #start(): void {
    for (; this.#running < IN_FLIGHT && this.#next < this.#waiting.length; this.#next++) {
      const request = this.#waiting[this.#next];
      if (request === undefined) return;
      this.#running++;
      request().then(() => {
        this.#running--;
        this.#left--;
        if (this.#left === 0) this.#ended.resolve();
        else this.#start();
      }, (error) => this.#ended.reject(error));
    }
  }
}

function create(client: Client, { text }: Body): Promise<void> {
  return send(client, { method: "POST", target: client.settings.jobsPath, body: text });
}

function remove(client: Client, name: string): Promise<void> {
  return send(client, { method: "DELETE", target: `${client.settings.jobsPath}/${name}`, body: DELETE_OPTIONS });
}

async function send(client: Client, request: { method: string; target: string; body: string }): Promise<void> {
  const response = await fetchFrom(client, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`floor: ${request.method} ${request.target}: ${response.status} ${text}`);
}

function fetchFrom(
  { settings, session }: Client,
  { method, target, body, signal }: { method: string; target: string; body?: string; signal?: AbortSignal },
): Promise<Response> {
  return session.fetch(settings.url + target, {
    method,
    headers: {
      Accept: "application/json",
      Authorization: `Bearer ${settings.token}`,
      ...(body === undefined ? { "Accept-Encoding": "identity" } : { "Content-Type": "application/json" }),
    },
    timeout: false,
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Calls back with each deleted name; resolves once the first stream is open. */
async function watchDeletions(
  client: Client,
  { labelSelector, signal }: { readonly labelSelector: string; readonly signal: AbortSignal },
  onDeleted: (name: string) => void,
): Promise<{ readonly ended: Promise<void> }> {
  const selector = `labelSelector=${encodeURIComponent(labelSelector)}`;
  const list = await fetchFrom(client, { method: "GET", target: `${client.settings.jobsPath}?limit=1&${selector}` });
  let version = /"resourceVersion":"(\d+)"/.exec(await list.text())?.[1] ?? "";
  const open = () =>
    fetchFrom(client, {
      method: "GET",
      target: `${client.settings.jobsPath}?watch=1&resourceVersion=${version}&${selector}`,
      signal,
    });
  const first = await open();
  const follow = async () => {
    try {
      for (let stream = first; !signal.aborted; stream = await open()) {
        for await (const line of linesOf(stream)) {
          if (line.startsWith('{"type":"DELETED"')) onDeleted(metadataField(line, "name"));
          version = metadataField(line, "resourceVersion");
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
  return { ended: follow() };
}

/** The API server writes metadata before all other fields that could hold a field of this name. */
function metadataField(line: string, field: string): string {
  const from = line.indexOf(`"${field}":"`, line.indexOf('"metadata":{')) + field.length + 4;
  return line.slice(from, line.indexOf('"', from));
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  if (!response.ok) throw new Error(`floor: watch: ${response.status} ${await response.text()}`);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

await serve();
