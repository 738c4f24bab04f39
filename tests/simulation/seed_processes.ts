/** Processes that run seeds, so that each has a core of its own. */
import { join } from "node:path";
import type { SeedRunner } from "./run_seeds.ts";
import type { RunResult } from "./types.ts";

export interface SeedProcess extends SeedRunner, Disposable {}

export function startSeedProcess({ hasCanary }: { readonly hasCanary: boolean }): SeedProcess {
  let waiting: PromiseWithResolvers<RunResult> | undefined;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "worker.ts")], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    serialization: "json",
    ipc(message: RunResult) {
      waiting?.resolve(message);
      waiting = undefined;
    },
  });
  const ended = child.exited.then((code) => {
    waiting?.reject(new Error(`a process of the simulation ended with ${code}`));
  });
  ended.catch(() => undefined);
  return {
    run(seed) {
      waiting = Promise.withResolvers();
      child.send({ seed, hasCanary });
      return waiting.promise;
    },
    [Symbol.dispose]: () => child.kill(),
  };
}
