/** The table at the end of `npm run bench`. Pure. */
import { budgetText, type Judgement } from "./judge.ts";

export interface Finished {
  readonly name: string;
  readonly judgements: readonly Judgement[];
  /** What else went wrong, one line each; an error that ended the bench among them. */
  readonly faults: readonly string[];
}

const WORDS = { within: "ok", noise: "ok (within noise)", over: "OVER" } as const;
const HEAD = ["bench", "figure", "value", "budget", "noise", "verdict"];

export function tableLines(benches: readonly Finished[]): readonly string[] {
  const rows = benches.flatMap(({ name, judgements, faults }) => [
    ...judgements.map(({ budget, text, noise, verdict }) => [
      name,
      budget.name,
      text,
      budgetText(budget),
      noise === 0 ? "" : `±${noise.toPrecision(2)}`,
      WORDS[verdict],
    ]),
    ...faults.map((fault) => [name, fault, "", "", "", "FAULT"]),
  ]);
  const all = [HEAD, ...rows];
  // A fault is a sentence: it runs over the columns that it leaves empty.
  const widths = HEAD.map((_, column) =>
    Math.max(...all.filter((row) => row[5] !== "FAULT").map((row) => row[column]?.length ?? 0))
  );
  return all.map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
}

/** Over by more than noise, or with a fault. */
export function hasFailed({ judgements, faults }: Finished): boolean {
  return faults.length > 0 || judgements.some(({ verdict }) => verdict === "over");
}
