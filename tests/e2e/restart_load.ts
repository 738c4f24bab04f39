/** JobSets that are made, fail and restart without a pause, while something else happens to the controllers. */
import { expect } from "bun:test";
import type { Random } from "../../src/base/random.ts";
import type { Cluster } from "./cluster.ts";
import { byHand, jobSet } from "./job_sets.ts";
import { JobRecord } from "./job_record.ts";
import { RestartedJobSet } from "./kill_moments.ts";

/** A round may fall into the time without a leader. */
const ROUND_MS = 60_000;
const JOBS = 20;

export class Load {
  readonly #loops: Promise<number>[] = [];
  #isStopped = false;
  #rounds = 0;

  /** One JobSet, restarted again and again: each failure is to be counted once and every Job made once. */
  restart(cluster: Cluster, random: Random): void {
    this.#run(async () => {
      const restarted = await RestartedJobSet.create(cluster);
      return {
        round: async () => {
          await restarted.failOne(random);
          await restarted.restarted(ROUND_MS);
        },
        finish: () => restarted.finish(),
      };
    });
  }

  /** JobSets made one after the other, each to get every Job once. */
  create(cluster: Cluster): void {
    this.#run(async () => {
      const record = await JobRecord.start(cluster);
      const names: string[] = [];
      return {
        round: async () => {
          const name = `made-${names.length}`;
          names.push(name);
          await cluster.create("jobsets", jobSet(name, [byHand("a", { replicas: JOBS })]));
          await cluster.jobCount(name, JOBS, 0, ROUND_MS);
          await cluster.delete("jobsets", name);
        },
        finish: async () => {
          await record.stop();
          for (const name of names) expect(record.counts(name)).toEqual({ 0: JOBS });
        },
      };
    });
  }

  /** Rounds of all loops up to now. */
  get rounds(): number {
    return this.#rounds;
  }

  /** Ends every loop after its round, and looks at what became of it all; the number of rounds. */
  async stop(): Promise<number> {
    this.#isStopped = true;
    const rounds = await Promise.all(this.#loops);
    return rounds.reduce((sum, count) => sum + count, 0);
  }

  #run(begin: () => Promise<{ readonly round: () => Promise<void>; readonly finish: () => Promise<void> }>): void {
    const loop = async () => {
      const { round, finish } = await begin();
      let rounds = 0;
      for (; !this.#isStopped; rounds++, this.#rounds++) await round();
      await finish();
      return rounds;
    };
    const running = loop();
    running.catch(() => this.#isStopped = true); // told by stop
    this.#loops.push(running);
  }
}
