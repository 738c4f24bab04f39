/** What is known of the PersistentVolumeClaims that a new JobSet would use. */
import type { JsonObject } from "../base/json.ts";

/** The answer to looking up one claim. */
export type ExistingClaim =
  | { readonly kind: "absent" }
  | { readonly kind: "found"; readonly claim: JsonObject }
  | { readonly kind: "error"; readonly message: string };

/** The claims that exist, by generated name; "offline" where no cluster can be asked: then they are not checked. */
export type ExistingClaims = "offline" | ReadonlyMap<string, ExistingClaim>;
