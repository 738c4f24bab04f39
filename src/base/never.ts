/** Never resolves, nor rejects: for a race that something absent takes no part in. */
export function never(): Promise<never> {
  return new Promise<never>(() => {});
}
