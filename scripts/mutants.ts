/**
 * `npm run mutants [-- FILTER…]`: do the tests notice? Each patch of tests/mutants/ puts one defect into a scratch copy
 * of the tree; the unit tests of its folder, all unit and golden tests, the properties, and the simulation run until
 * the first of them is red. A defect that none of them notices within two minutes is a survivor, and a failure.
 * `--simulation` asks the simulation alone: of many a defect it knows nothing, such as those of the admission rules.
 */
import { parseArgs } from "node:util";
import { applyMutant, listMutants, type Mutant } from "./mutants/mutant.ts";
import { findKiller, type Verdict } from "./mutants/killers.ts";
import { copyTree } from "./mutants/scratch_tree.ts";
import { ROOT } from "./steps.ts";

const TIMEOUT_MS = 120_000;
/** All stages, on a machine that has other things to do. */
const GREEN_TIMEOUT_MS = 600_000;

const { values: { simulation: isSimulated }, positionals } = parseArgs({
  allowPositionals: true,
  options: { simulation: { type: "boolean", default: false } },
});
const mutants = listMutants(ROOT, positionals);
const tree = copyTree(ROOT);
let survivors: readonly Mutant[] = [];
try {
  await mustBeGreen(mutants);
  for (const mutant of mutants) {
    const startedAt = performance.now();
    const verdict = await run(mutant);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${mutant.name}: ${words(verdict)} (${seconds} s)`);
    if (verdict.kind !== "killed") survivors = [...survivors, mutant];
  }
} finally {
  tree.remove();
}
for (const { name, defect } of survivors) console.log(`SURVIVED ${name}: ${defect}`);
console.log(`mutants: ${mutants.length - survivors.length} of ${mutants.length} killed`);
process.exit(survivors.length === 0 && mutants.length > 0 ? 0 : 1);

/** Where the tests are red by themselves they kill everything, and say nothing. */
async function mustBeGreen(chosen: readonly Mutant[]): Promise<void> {
  const [first] = chosen;
  if (first === undefined) throw new Error("no mutant has such a name");
  const verdict = await findKiller({ root: tree.root, area: first.area, isSimulated, timeoutMs: GREEN_TIMEOUT_MS });
  if (verdict.kind !== "survived") throw new Error(`without a mutant the tests must be green: ${words(verdict)}`);
}

async function run(mutant: Mutant): Promise<Verdict> {
  await mustWork(mutant, "apply");
  try {
    return await findKiller({ root: tree.root, area: mutant.area, isSimulated, timeoutMs: TIMEOUT_MS });
  } finally {
    await mustWork(mutant, "undo");
  }
}

async function mustWork(mutant: Mutant, mode: "apply" | "undo"): Promise<void> {
  const problem = await applyMutant(mutant, { root: tree.root, mode });
  if (problem !== undefined) throw new Error(`${mode} mutant "${mutant.name}": ${problem}`);
}

function words(verdict: Verdict): string {
  switch (verdict.kind) {
    case "killed":
      return `killed by ${verdict.by}`;
    case "survived":
      return "SURVIVED";
    case "late":
      return "SURVIVED: no verdict in time";
  }
}
