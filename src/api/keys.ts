/** The keys of spec 1.3, and the names that make an object ours. */

const PREFIX = "jobset.sigs.k8s.io/";
const ALPHA_PREFIX = "alpha.jobset.sigs.k8s.io/";

export const GROUP = "jobset.x-k8s.io";
export const VERSION = "v1alpha2";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "JobSet";

/** The value of `spec.managedBy` that means this controller, as an absent one does. */
export const OWN_MANAGED_BY = `${PREFIX}jobset-controller`;

/** Whether a label or annotation is one of those that are ours to set. */
export function isOwnKey(key: string): boolean {
  return key.startsWith(PREFIX) || key.startsWith(ALPHA_PREFIX);
}

export const JOBSET_NAME = `${PREFIX}jobset-name`;
export const JOBSET_UID = `${PREFIX}jobset-uid`;
export const REPLICATED_JOB_NAME = `${PREFIX}replicatedjob-name`;
export const REPLICATED_JOB_REPLICAS = `${PREFIX}replicatedjob-replicas`;
export const RESTART_ATTEMPT = `${PREFIX}restart-attempt`;
export const JOB_RESTART_ATTEMPT = `${PREFIX}job-restart-attempt`;
export const GLOBAL_REPLICAS = `${PREFIX}global-replicas`;
export const JOB_INDEX = `${PREFIX}job-index`;
export const JOB_GLOBAL_INDEX = `${PREFIX}job-global-index`;
export const JOB_KEY = `${PREFIX}job-key`;
export const GROUP_NAME = `${PREFIX}group-name`;
export const GROUP_REPLICAS = `${PREFIX}group-replicas`;
export const JOB_GROUP_INDEX = `${PREFIX}job-group-index`;
export const COORDINATOR = `${PREFIX}coordinator`;
/** Pod label only (spec 4.1). */
export const PRIORITY = `${PREFIX}priority`;
/** Annotation only (spec 3.12). */
export const EXECUTION_ATTEMPT = `${PREFIX}execution-attempt`;
/** Annotation of a Pod, written by its agent (spec 5.2). */
export const IN_PLACE_RESTART_ATTEMPT = `${PREFIX}in-place-restart-attempt`;
/** Annotation of a JobSet: its agents lift their barriers and do nothing else (spec 5.2). */
export const DISABLE_IN_PLACE_RESTART = `${PREFIX}disable-in-place-restart`;
/** Annotation of a JobSet: a duration (spec 7.11). */
export const FORCE_DELETE_AFTER = "lite.jobset.x-k8s.io/force-delete-after";

/** Annotation and label of the Pods of an Indexed Job (Kubernetes: Jobs). */
export const JOB_COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index";

export const EXCLUSIVE_TOPOLOGY = `${ALPHA_PREFIX}exclusive-topology`;
export const NODE_SELECTOR = `${ALPHA_PREFIX}node-selector`;
export const NAMESPACED_JOB = `${ALPHA_PREFIX}namespaced-job`;
export const NO_SCHEDULE = `${ALPHA_PREFIX}no-schedule`;
