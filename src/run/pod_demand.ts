import type { FeatureGates } from "../api/feature_gates.ts";
import { exclusiveTopologies, type JobSet, needsPods } from "../api/job_set.ts";
import { objectKey } from "../api/names.ts";
import type { ObjectCache } from "../cache/object_cache.ts";

const NONE: readonly string[] = [];

/** What the JobSets of the cache need to have watched (spec 4.3). Costs one look at the JobSet of each event. */
export class PodDemand {
  /** The JobSets that need Pods, with the topologies of each. */
  readonly #needs = new Map<string, readonly string[]>();
  /** How many of them use each topology. */
  readonly #topologies = new Map<string, number>();
  readonly #gates: FeatureGates;
  readonly #onChange: () => void;
  #isTelling = false;

  /** `onChange` is called after what is needed may have changed, once for all events of one batch. */
  constructor({ jobSets, gates, onChange }: {
    readonly jobSets: ObjectCache<JobSet>;
    readonly gates: FeatureGates;
    readonly onChange: () => void;
  }) {
    this.#gates = gates;
    this.#onChange = onChange;
    jobSets.onChange((change) => {
      const { namespace, name } = change.kind === "delete" ? change.before : change.after;
      this.#set(objectKey(namespace, name), change.kind === "delete" ? undefined : change.after);
    });
    for (const jobSet of jobSets.values()) this.#set(objectKey(jobSet.namespace, jobSet.name), jobSet);
  }

  get needsPods(): boolean {
    return this.#needs.size > 0;
  }

  /** The node labels that must be known; none: no Node need be watched. */
  get topologies(): ReadonlySet<string> {
    return new Set(this.#topologies.keys());
  }

  #set(key: string, jobSet: JobSet | undefined): void {
    const before = this.#needs.get(key);
    const after = jobSet !== undefined && needsPods(jobSet, this.#gates) ? exclusiveTopologies(jobSet) : undefined;
    if (after === undefined ? before === undefined : before?.join("\n") === after.join("\n")) return;
    for (const topology of before ?? NONE) this.#count(topology, -1);
    for (const topology of after ?? NONE) this.#count(topology, 1);
    if (after === undefined) this.#needs.delete(key);
    else this.#needs.set(key, after);
    this.#tell();
  }

  #count(topology: string, change: 1 | -1): void {
    const count = (this.#topologies.get(topology) ?? 0) + change;
    if (count === 0) this.#topologies.delete(topology);
    else this.#topologies.set(topology, count);
  }

  /** A list of JobSets is a batch: a watch that started with its first would start again with its second. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      this.#onChange();
    });
  }
}
