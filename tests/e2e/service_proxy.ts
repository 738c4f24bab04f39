/** What a Service does for the webhooks' replicas: whoever connects gets to one of those that are ready, by turns. */
import { connect, createServer, type Server, type Socket } from "node:net";

export class ServiceProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #endpoints: readonly number[] = [];
  #connections = 0;

  private constructor() {
    this.#server = createServer((client) => this.#forward(client));
  }

  /** Listens on a port of this machine. */
  static start(port: number): Promise<ServiceProxy> {
    const proxy = new ServiceProxy();
    return new Promise((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen({ host: "127.0.0.1", port }, () => resolve(proxy));
    });
  }

  /** For connections from now on; those that stand are not touched. */
  setEndpoints(ports: readonly number[]): void {
    this.#endpoints = ports;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #forward(client: Socket): void {
    const port = this.#endpoints[this.#connections++ % this.#endpoints.length];
    if (port === undefined) return void client.destroy();
    const replica = connect({ host: "127.0.0.1", port });
    for (const [from, to] of [[client, replica], [replica, client]] as const) {
      this.#sockets.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
