export interface WaitOptions {
  readonly timeoutMs: number;
  /** Asked until it says true; what it throws ends the wait. */
  readonly check: () => boolean | Promise<boolean>;
  readonly everyMs?: number;
  /** Told after the time is over, for the error message. */
  readonly describe?: () => string | Promise<string>;
}

/** Waits until a condition holds, or throws after the time is over. */
export async function waitFor(what: string, options: WaitOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  while (!(await options.check())) {
    if (performance.now() > deadline) {
      const seen = options.describe === undefined ? "" : `; seen: ${await options.describe()}`;
      throw new Error(`wait for ${what}: not within ${options.timeoutMs / 1000} s${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}
