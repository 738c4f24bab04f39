/** What the record holds: each write of a JobSet or a Job, in the order in which etcd stored them. */
import type { JsonObject } from "../../src/base/json.ts";

export interface Frame {
  readonly kind: "JobSet" | "Job";
  readonly verb: "create" | "update" | "delete";
  readonly namespace: string;
  readonly name: string;
  /** As stored; of a delete the state before it. */
  readonly object: JsonObject;
  /** etcd's, the object's resourceVersion; writes of one transaction share it. */
  readonly revision: number;
  /** When it was heard, by the monotonic clock. */
  readonly atMs: number;
}
