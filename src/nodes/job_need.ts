import { type JobSet, terminalCondition } from "../api/job_set.ts";
import { EXCLUSIVE_TOPOLOGY, NAMESPACED_JOB, NODE_SELECTOR } from "../api/keys.ts";
import { asInteger, asStringMap, at } from "../base/json.ts";
import { createOf, jobFactory } from "../plan/job_factory.ts";
import { nothingKnown } from "../plan/nothing_known.ts";

/** A Job that waits for nodes labelled for it. */
export interface JobNeed {
  readonly namespace: string;
  readonly name: string;
  /** The label value that its Pods ask for: `<namespace>_<job>`. */
  readonly holder: string;
  /** Pods that run at once. */
  readonly pods: number;
  /** What else its Pods ask of a node's labels. */
  readonly nodeSelector: Readonly<Record<string, string>>;
}

const LONGEST_LABEL = 63;
const LABEL_VALUE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/**
 * The Jobs of a JobSet that use the node selector way with this topology (spec 3.7), from the bodies that the controller would
 * create, so that both always agree.
 */
export function jobNeeds(jobSet: JobSet, topologyKey: string): readonly JobNeed[] {
  const bodyOf = jobFactory(jobSet, nothingKnown());
  return jobSet.replicatedJobs.flatMap(({ replicas }, position) =>
    Array.from({ length: replicas }, (_, index) => createOf(jobSet, position, index)).flatMap((create) => {
      const body = bodyOf(create);
      const annotations = asStringMap(at(body, "metadata", "annotations"));
      if (annotations[EXCLUSIVE_TOPOLOGY] !== topologyKey || annotations[NODE_SELECTOR] === undefined) return [];
      const { [NAMESPACED_JOB]: holder = "", ...nodeSelector } = asStringMap(
        at(body, "spec", "template", "spec", "nodeSelector"),
      );
      const parallelism = asInteger(at(body, "spec", "parallelism")) ?? 1;
      const pods = Math.min(parallelism, asInteger(at(body, "spec", "completions")) ?? parallelism);
      return [{ namespace: jobSet.namespace, name: create.name, holder, pods, nodeSelector }];
    })
  );
}

/** Whether its Jobs still run, or will. */
export function isAlive(jobSet: JobSet): boolean {
  return !jobSet.isDeleting && terminalCondition(jobSet.status) === undefined;
}

/** Why no node can carry the Job's name as a label, if so. */
export function labelProblem({ namespace, name, holder }: JobNeed): string | undefined {
  const what = `label nodes for Job ${namespace}/${name}: the label value "${holder}"`;
  if (holder.length > LONGEST_LABEL) {
    return `${what} has ${holder.length} characters and may have ${LONGEST_LABEL}: ` +
      "give the JobSet, its replicatedJob or the namespace a shorter name";
  }
  return LABEL_VALUE.test(holder) ? undefined : `${what} is not a valid one`;
}
