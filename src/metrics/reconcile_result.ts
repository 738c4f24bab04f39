import type { ReconcileResult } from "./controller_metrics.ts";

/** How a reconcile ended, in the reconciler's words. */
export type ReconcileOutcome =
  | { readonly kind: "done"; readonly lookAgainMs?: number | undefined }
  | { readonly kind: "again" }
  /** Not an error where the reconcile was only overtaken: a conflict, a JobSet in doubt. */
  | { readonly kind: "backOff"; readonly isError: boolean };

/** The same in the words of the metric (spec 6.4). */
export function reconcileResult(outcome: ReconcileOutcome): ReconcileResult {
  switch (outcome.kind) {
    case "done":
      return outcome.lookAgainMs === undefined ? "success" : "requeue_after";
    case "again":
      return "requeue_after";
    case "backOff":
      return outcome.isError ? "error" : "requeue";
  }
}
