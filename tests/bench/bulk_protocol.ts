/** What a bench and its bulk client say to each other. */
export interface BulkOrder {
  /** Of the collection to create in. */
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  /** A JSON list of bodies as text. */
  readonly bodiesFile: string;
  readonly connections: number;
}

export interface BulkResult {
  readonly seconds: number;
  /** The first answer that was not 201. */
  readonly problem?: string;
}
