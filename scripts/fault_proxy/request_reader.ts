/** HTTP/1.1 requests out of a stream of bytes: as much of the protocol as Kubernetes clients use. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Head and body, as sent. */
  readonly bytes: Buffer;
}

const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";
const MAX_HEAD_BYTES = 64 * 1024;

interface Head {
  readonly method: string;
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
}

export class RequestReader {
  #bytes = Buffer.alloc(0);

  /** Takes more bytes; the requests that they complete. Throws where they are no HTTP/1.1. */
  feed(bytes: Buffer): readonly HttpRequest[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const requests: HttpRequest[] = [];
    for (let request = this.#next(); request !== undefined; request = this.#next()) requests.push(request);
    return requests;
  }

  #next(): HttpRequest | undefined {
    const headEnd = this.#bytes.indexOf(HEAD_END);
    if (headEnd < 0) {
      if (this.#bytes.length > MAX_HEAD_BYTES) throw new Error("read a request: its head has no end");
      return undefined;
    }
    const head = readHead(this.#bytes.toString("latin1", 0, headEnd));
    const rest = this.#bytes.subarray(headEnd + HEAD_END.length);
    const isChunked = head.headers.get("transfer-encoding") === "chunked";
    const bodyLength = isChunked ? chunkedLength(rest) : Number(head.headers.get("content-length") ?? "0");
    if (bodyLength === undefined || rest.length < bodyLength) return undefined;
    const length = headEnd + HEAD_END.length + bodyLength;
    const bytes = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return { ...head, bytes };
  }
}

function readHead(text: string): Head {
  const [first = "", ...lines] = text.split(LINE_END);
  const [method, target, version] = first.split(" ");
  if (method === undefined || target === undefined || version !== "HTTP/1.1") {
    throw new Error(`read a request: "${first}" is no HTTP/1.1`);
  }
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { method, target, headers };
}

/** The length of a chunked body, or undefined where it is not all there yet. */
function chunkedLength(bytes: Buffer): number | undefined {
  for (let offset = 0;;) {
    const lineEnd = bytes.indexOf(LINE_END, offset);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", offset, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("read a request: a chunk has no size");
    const end = lineEnd + LINE_END.length + size + LINE_END.length;
    if (bytes.length < end) return undefined;
    if (size === 0) return end;
    offset = end;
  }
}
