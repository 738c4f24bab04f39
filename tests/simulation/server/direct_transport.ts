/** Carries a client's requests to the simulated server at once: for the contract tests, which want no faults. */
import { apiErrorFromAnswer } from "../../../src/client/api_error.ts";
import type { Answer, Exchange, KubeTransport, OpenAnswer } from "../../../src/client/transport.ts";
import type { ServerAnswer, ServerRequest, ServerStream, SimulatedServer, User } from "../types.ts";

const ENCODER = new TextEncoder();

export class DirectTransport implements KubeTransport {
  readonly #server: SimulatedServer;
  readonly #user: User;
  readonly #streams = new Set<ServerStream>();

  constructor(server: SimulatedServer, user: User = "user") {
    this.#server = server;
    this.#user = user;
  }

  exchange(exchange: Exchange): Promise<Answer> {
    const answer = this.#server.handle(this.#requestOf(exchange));
    if (answer.status >= 300) return Promise.reject(errorOf(exchange, answer));
    return Promise.resolve({ status: answer.status, contentType: "application/json", text: answer.text });
  }

  open(exchange: Exchange): Promise<OpenAnswer> {
    const found = this.#server.watch(this.#requestOf(exchange));
    if ("text" in found) return Promise.reject(errorOf(exchange, found));
    this.#streams.add(found);
    let isOpen = true;
    const end = () => {
      isOpen = false;
      found.close();
      this.#streams.delete(found);
    };
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const carry = () => {
          for (let line = isOpen ? found.next() : undefined; line !== undefined; line = found.next()) {
            controller.enqueue(ENCODER.encode(line));
          }
        };
        found.onDue(carry);
        carry();
        exchange.signal?.addEventListener("abort", () => {
          if (isOpen) controller.error(exchange.signal?.reason);
          end();
        }, { once: true });
      },
      cancel: end,
    });
    return Promise.resolve({ status: 200, body });
  }

  /** Every open watch gets a bookmark, as a real server sends one a minute. */
  bookmark(): void {
    for (const stream of this.#streams) stream.bookmark();
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #requestOf({ method, target, headers, body }: Exchange): ServerRequest {
    const [path = "", search = ""] = target.split("?", 2);
    return {
      method,
      path,
      query: Object.fromEntries(new URLSearchParams(search)),
      contentType: headers["Content-Type"] ?? "",
      accept: headers["Accept"] ?? "",
      body,
      user: this.#user,
    };
  }
}

function errorOf({ method, target }: Exchange, { status, text }: ServerAnswer): Error {
  return apiErrorFromAnswer({ status, action: `${method} ${target}`, body: text, retryAfter: null });
}
