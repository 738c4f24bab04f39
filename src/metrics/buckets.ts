/** Upper bounds in seconds, those that dashboards of controllers are made for. */

/** Of one reconcile: fine up to half a second, a minute at most. */
export const RECONCILE_BUCKETS: readonly number[] = [
  ...[0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9],
  ...[1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5],
  ...[5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60],
];

/** Of work queues: twelve powers of ten from ten nanoseconds, multiplied step by step, as the known bounds have been. */
export const QUEUE_BUCKETS: readonly number[] = powersOfTen(1e-8, 12);

/** Of requests: the bounds that Prometheus clients have where none are given. */
export const REQUEST_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function powersOfTen(first: number, count: number): readonly number[] {
  const bounds: number[] = [];
  for (let bound = first; bounds.length < count; bound *= 10) bounds.push(bound);
  return bounds;
}
