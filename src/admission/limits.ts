/**
 * Limits on what a JobSet may have, so that any body is answered within a second. They are beyond what can be stored: etcd takes
 * requests of 1.5 MB, and a replicatedJob with its template has 150 bytes at least.
 */

export const MAX_REPLICATED_JOBS = 10_000;
export const MAX_FAILURE_POLICY_RULES = 10_000;

/** Those of the CRD's schema, which lets no more through. */
export const MAX_DEPENDENCIES = 5;
export const MAX_CLAIM_POLICIES = 50;
/** Of all policies together. */
export const MAX_CLAIM_TEMPLATES = 2_500;

/** In characters: longer names are told only that they are too long, not what else is wrong with them. */
export const MAX_MATCHED_LENGTH = 4_096;
