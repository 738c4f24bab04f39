/** `npm run chaos [-- --minutes M --seed S --record FILE]`: the compiled executable on a real control plane where everything goes wrong. */
import { parseArgs } from "node:util";
import { runChaos } from "./run_chaos.ts";

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

function readArgs(): { readonly seed: number; readonly minutes: number; readonly recordFile: string | undefined } {
  const { values } = parseArgs({
    options: { minutes: { type: "string", default: "3" }, seed: { type: "string" }, record: { type: "string" } },
  });
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const minutes = Number(values.minutes);
  if (!Number.isInteger(seed) || !(minutes > 0)) {
    throw new Error("usage: npm run chaos -- [--minutes M] [--seed S] [--record FILE]");
  }
  return { seed, minutes, recordFile: values.record };
}

async function main(): Promise<number> {
  const { seed, minutes, recordFile } = readArgs();
  const abort = new AbortController();
  let code = 1;
  for (const [name, ending] of Object.entries(SIGNALS)) {
    process.once(name, () => {
      code = ending;
      abort.abort(new Error(`ended by ${name}`));
    });
  }
  console.log(
    `chaos: seed=${seed} minutes=${minutes}; again with: npm run chaos -- --minutes ${minutes} --seed ${seed}`,
  );
  const report = (line: string) => console.log(line);
  try {
    const { jobSets, restarts, kills, faults, violations } = await runChaos({
      seed,
      minutes,
      report,
      signal: abort.signal,
      recordFile,
    });
    console.log(
      `chaos: seed=${seed} minutes=${minutes} jobsets=${jobSets} restarts=${restarts} kills=${kills} faults=${faults} ` +
        `violations=${violations}`,
    );
    return violations === 0 ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return code;
  }
}

process.exit(await main());
