/**
 * A proxy in front of the API server that can be told to answer wrongly, late, in part or not at all. It ends TLS with a
 * certificate of the control plane's own authority, so a client needs only another server in its kubeconfig; without a rule
 * everything goes through, watches as they stream.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:tls";
import { createLeaf } from "./control_plane/certificates.ts";
import { type Fault, ProxyConnection } from "./fault_proxy/proxy_connection.ts";
import type { HttpRequest } from "./fault_proxy/request_reader.ts";

/** A fault, and the requests that it happens to. */
export interface FaultRule extends Fault {
  readonly match: (method: string, path: string, query: URLSearchParams) => boolean;
  /** How many requests it holds for; all of them where absent. */
  readonly times?: number;
}

export interface ActiveRule {
  /** How many requests it was applied to. */
  readonly hits: number;
  remove(): void;
}

export interface FaultProxyOptions {
  /** The API server's. */
  readonly url: string;
  readonly caPem: string;
  readonly caKeyPem: string;
}

/** A request that the proxy has seen. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

const MAX_SEEN = 100_000;

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new FaultProxy(options);
  await proxy.listen();
  return proxy;
}

interface Rule {
  readonly rule: FaultRule;
  hits: number;
}

export class FaultProxy {
  readonly #options: FaultProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<ProxyConnection>();
  readonly #seen: SeenRequest[] = [];
  #rules: Rule[] = [];
  #port = 0;

  constructor(options: FaultProxyOptions) {
    this.#options = options;
    const { certPem, keyPem } = createLeaf(
      { certPem: options.caPem, keyPem: options.caKeyPem },
      { commonName: "kube-apiserver", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] },
    );
    this.#server = createServer({ cert: certPem, key: keyPem }, (client) => {
      const connection = new ProxyConnection({
        client,
        serverUrl: this.#options.url,
        serverCaPem: this.#options.caPem,
        faultOf: (request) => this.#faultOf(request),
        onClose: () => this.#connections.delete(connection),
      });
      this.#connections.add(connection);
    });
  }

  /** For a kubeconfig (`controlPlane.writeKubeconfig({ url: proxy.url, … })`). */
  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** The requests up to now, oldest first. */
  get seen(): readonly SeenRequest[] {
    return this.#seen;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("start the fault proxy: it has no port");
    this.#port = address.port;
  }

  /** Adds a rule. Of several that match the oldest is applied. */
  rule(rule: FaultRule): ActiveRule {
    const entry: Rule = { rule, hits: 0 };
    this.#rules.push(entry);
    return {
      get hits() {
        return entry.hits;
      },
      remove: () => {
        this.#rules = this.#rules.filter((other) => other !== entry);
      },
    };
  }

  clearRules(): void {
    this.#rules = [];
  }

  /** Cuts every connection, whatever goes on in it. */
  cutAll(): void {
    for (const connection of this.#connections) connection.cut();
  }

  /** Cuts the watches that are open; says how many. */
  cutWatches(): number {
    const watches = this.#watches();
    for (const connection of watches) connection.cut();
    return watches.length;
  }

  /** From now on nothing more comes out of the watches that are open, and they stay open; says how many. New ones work. */
  silenceWatches(): number {
    const watches = this.#watches();
    for (const connection of watches) connection.silence();
    return watches.length;
  }

  async stop(): Promise<void> {
    this.cutAll();
    this.#server.close();
    await once(this.#server, "close");
  }

  #watches(): readonly ProxyConnection[] {
    return [...this.#connections].filter((connection) => connection.isWatch);
  }

  #faultOf({ method, target }: HttpRequest): Fault {
    const { pathname: path, searchParams: query } = new URL(target, this.#options.url);
    if (this.#seen.length < MAX_SEEN) this.#seen.push({ method, path, query });
    const found = this.#rules.find(({ rule, hits }) =>
      hits < (rule.times ?? Infinity) && rule.match(method, path, query)
    );
    if (found === undefined) return {};
    found.hits += 1;
    return found.rule;
  }
}
