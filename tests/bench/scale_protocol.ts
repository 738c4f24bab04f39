/** What the bench and a process with reconciles (scale_reconciles.ts) say to each other. */
export interface ReconcileOrder {
  /** Of the JobSet that is reconciled. With the other two it is heeded in the first order only. */
  readonly jobs: number;
  /** JobSets beside it, and the Jobs of each. */
  readonly others: number;
  readonly othersEach: number;
  readonly reconciles: number;
}

export interface Reconciles {
  /** CPU time of the process, all of its threads: what is left to the garbage collector counts. */
  readonly cpuMs: number;
  readonly ms: number;
  /** Of the status. */
  readonly writes: number;
}
