/** What the admission bench and its client say to each other. */
export interface Load {
  readonly url: string;
  readonly caPem: string;
  readonly token?: string;
  readonly body: string;
  /** Part of every right answer. */
  readonly expected: string;
  readonly connections: number;
  readonly requests: number;
}

export interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}
