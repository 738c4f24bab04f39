import type { ActorWorld, Scenario } from "../types.ts";
import { GarbageCollector } from "./garbage_collector.ts";
import { JobController } from "./job_controller.ts";
import { Kubelet } from "./kubelet.ts";
import { Scheduler, simulatedNodes } from "./scheduler.ts";
import { Users } from "./users.ts";

/** Starts all that acts in a cluster but our controllers, and schedules what users do. */
export function startActors(world: ActorWorld, scenario: Scenario): void {
  startCluster(world);
  new Users(world, scenario).start();
}

/** The controllers of the cluster, without users. */
export function startCluster(world: ActorWorld): void {
  new JobController(world);
  new GarbageCollector(world);
  new Scheduler(world);
  new Kubelet(world);
  for (const node of simulatedNodes()) world.server.create("user", "nodes", node);
}
