/** The PriorityClasses of the cluster, as far as the priority of a Pod follows from them. */
export interface Priorities {
  readonly byClass: ReadonlyMap<string, number>;
  /** Of Pods that name no class: the value of the class with `globalDefault`, else 0. */
  readonly globalDefault: number;
}

/** The value of the label `priority`: a negative one as `n<absolute value>`, for no label value begins with a minus (R48). */
export function priorityLabel(priority: number): string {
  return priority < 0 ? `n${-priority}` : String(priority);
}
