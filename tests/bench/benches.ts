/** The benches, in the order in which `npm run bench` runs them. */
import { ADMISSION_BUDGETS, runAdmissionBench } from "./admission.ts";
import type { Bench } from "./bench.ts";
import { LOOP_BUDGETS, runLoopBench } from "./loop.ts";
import { PLACEMENT_BUDGETS, runPlacementBench } from "./placement.ts";
import { RESTART_BUDGETS, runRestartBench } from "./restart.ts";
import { runScaleBench, SCALE_BUDGETS } from "./scale.ts";
import { runStartBench, START_BUDGETS } from "./start.ts";

export const BENCHES: readonly Bench[] = [
  {
    name: "loop",
    about: "creates and restarts of 10, 100 and 1,000 Jobs against a bare client; memory",
    budgets: LOOP_BUDGETS,
    run: runLoopBench,
  },
  {
    name: "admission",
    about: "reviews of small and large JobSets on 1 and 50 connections, with an API server and without; memory",
    budgets: ADMISSION_BUDGETS,
    run: runAdmissionBench,
  },
  {
    name: "start",
    about: "a replica as it is installed: process start to ready; memory at rest and after scrapes",
    budgets: START_BUDGETS,
    run: runStartBench,
  },
  {
    name: "placement",
    about:
      "exclusive placement among 15,000 Nodes and 3,000 Pods: memory of the caches; Pods let in against a bare client",
    budgets: PLACEMENT_BUDGETS,
    run: runPlacementBench,
  },
  {
    name: "restart",
    about: "64 Pods with real agents: restart in place against Recreate, from one worker's end to all workers' start",
    budgets: RESTART_BUDGETS,
    run: runRestartBench,
  },
  {
    name: "scale",
    about: "10,000 Jobs, 50,000 Pods, 15,000 Nodes: memory, fresh starts; 5,000 Jobs restarted; cost of a reconcile",
    budgets: SCALE_BUDGETS,
    run: runScaleBench,
  },
];
