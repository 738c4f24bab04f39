/** What one server gives its clients, so that none of them can take memory or time without end. */
export interface ServerLimits {
  /** Connections at once. One more takes the place of a handshake that lingers, or of who has been quiet longest, or is refused. */
  readonly connections: number;
  /** Requests worked on at once; the rest wait. */
  readonly requests: number;
  /** Bytes of one request: head and body, with what chunked encoding adds. */
  readonly requestBytes: number;
  /** Bytes of all requests that are not answered yet; beyond, large ones are read one after the other. */
  readonly totalBytes: number;
  /** From a request's first byte to its answer, and for the client to take it. */
  readonly requestMs: number;
  /** How long a large request may keep room that others wait for: they have 10 s, as the manifest's webhooks do. */
  readonly wantedMs: number;
  /** Without a byte. Longer than the 90 s for which API servers keep theirs: a POST must never meet a connection being closed. */
  readonly idleMs: number;
  readonly handshakeMs: number;
}

const MIB = 1024 * 1024;

/** Spec 2: a body may have 16 MiB; the API server gives a webhook at most 30 s. */
export const WEBHOOK_LIMITS: ServerLimits = {
  connections: 1_000,
  requests: 64,
  requestBytes: 16 * MIB + 64 * 1024,
  totalBytes: 32 * MIB,
  requestMs: 30_000,
  wantedMs: 5_000,
  idleMs: 120_000,
  handshakeMs: 10_000,
};

/** For servers whose requests have no bodies: metrics. */
export const SMALL_LIMITS: ServerLimits = {
  ...WEBHOOK_LIMITS,
  connections: 100,
  requests: 8,
  requestBytes: 64 * 1024,
  totalBytes: 2 * MIB,
};
