/** What befalls the processes: a deck of each kind of trouble, shuffled, and shuffled again when it is used up. */
import { exhaustQuota, fillDisk, killEtcd, makeRoom } from "./etcd_incidents.ts";
import type { EtcdRecord } from "./etcd_record.ts";
import type { Draw } from "./play.ts";
import type { Replica } from "./replica.ts";
import type { System } from "./system.ts";
import type { Weather } from "./weather.ts";

export interface IncidentParts {
  readonly system: System;
  readonly record: EtcdRecord;
  readonly weather: Weather;
  readonly draw: Draw;
  readonly report: (line: string) => void;
}

/** Resolves when nothing of it is left. */
export interface Incident {
  readonly name: string;
  /** How many processes it kills. */
  readonly kills: number;
  /** What can't be had here resolves with the reason. */
  run(): Promise<void | { readonly reason: string }>;
}

/** What befalls the control plane, one at a time. */
export function clusterIncidents({ system, record, draw, report }: IncidentParts): readonly Incident[] {
  const { controlPlane } = system;
  const etcd = { controlPlane, record, report };
  const restartApiServer = async (awayMs: number, meanwhile: () => Promise<void> = () => Promise.resolve()) => {
    await controlPlane.killApiServer();
    await meanwhile();
    await sleep(awayMs);
    await controlPlane.startApiServer();
    await controlPlane.restartControllerManager();
  };
  return [
    { name: "kill -9 of the API server", kills: 1, run: () => restartApiServer(draw.between(0, 3_000)) },
    { name: "kill -9 of etcd", kills: 1, run: () => killEtcd(etcd, draw.between(0, 3_000)) },
    {
      name: "API server killed and etcd compacted",
      kills: 1,
      run: () => restartApiServer(0, () => makeRoom(controlPlane, record)),
    },
    { name: "etcd full by its quota", kills: 2, run: () => exhaustQuota(etcd, draw.between(2_000, 6_000)) },
    {
      name: "etcd full on a small tmpfs",
      kills: 2,
      run: async () => {
        const end = await fillDisk(etcd, draw.between(1_000, 4_000));
        return end === "done" ? undefined : end;
      },
    },
  ];
}

/** What befalls the controller and its connections. */
export function controllerIncidents({ system, weather, draw }: IncidentParts): readonly Incident[] {
  const { replicas, proxy } = system;
  const kill = async (...victims: readonly (Replica | undefined)[]) => {
    await Promise.all(victims.map((replica) => replica?.controller.kill()));
  };
  const one = () => replicas[draw.between(0, replicas.length - 1)];
  const incidents: Incident[] = [
    { name: "kill -9 of the leader", kills: 1, run: async () => kill(await leaderOf(replicas)) },
    { name: "kill -9 of a replica", kills: 1, run: () => kill(one()) },
    { name: "kill -9 of both replicas", kills: 2, run: () => kill(...replicas) },
    {
      name: "a replica stands still",
      kills: 0,
      run: async () => {
        const replica = draw.chance(0.7) ? await leaderOf(replicas) : one();
        await replica?.standStill(draw.between(1_000, 10_000));
      },
    },
    {
      name: "every connection cut",
      kills: 0,
      run: () => {
        proxy.cutAll();
        weather.count("cut by hand", 1);
        return Promise.resolve();
      },
    },
    {
      name: "every watch cut",
      kills: 0,
      run: () => {
        weather.count("cut by hand", proxy.cutWatches());
        return Promise.resolve();
      },
    },
  ];
  const jump = (name: string, least: number, most: number): Incident => ({
    name,
    kills: 0,
    run() {
      const replica = one();
      if (replica?.clock === undefined) return Promise.resolve({ reason: system.noClocks ?? "" });
      replica.clock.set(draw.between(least, most));
      return Promise.resolve();
    },
  });
  return [
    ...incidents,
    jump("a clock jumps ahead", 60, 7_200),
    jump("a clock jumps back", -7_200, -60),
    jump("a clock is set a little", -5, 5),
  ];
}

/** The last to say that it leads, of those that run. */
async function leaderOf(replicas: readonly Replica[]): Promise<Replica | undefined> {
  const when = (replica: Replica) => {
    const line = replica.controller.logLines("became the leader").at(-1) ?? "";
    return replica.controller.isRunning() ? line : "";
  };
  const [first] = replicas.toSorted((a, b) => when(a) < when(b) ? 1 : -1);
  return await Promise.resolve(first);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
