/** `npm run ok`, the fast gate: format, types, lint, boundaries, unit and golden tests, all at once. */
import { runStep, type Step, sum, testStep, toolStep, type Total, totalLine } from "./steps.ts";

/** Those that need no control plane; tests/contract and tests/e2e have one. */
const UNIT_TESTS = [
  "./src",
  "./scripts",
  ...["plan", "properties", "simulation", "bench", "chaos", "soak"].map((folder) => `./tests/${folder}`),
];

const STEPS: readonly Step[] = [
  testStep("unit tests", UNIT_TESTS, { flags: ["--only-failures"] }),
  toolStep("types", "bun", "check"),
  toolStep("lint", "deno", "lint", "--quiet"),
  toolStep("format", "deno", "fmt", "--check"),
  { name: "boundaries", command: [process.execPath, "scripts/boundaries.ts"] },
];

export async function runGate(): Promise<Total> {
  return sum(await Promise.all(STEPS.map(runStep)));
}

if (import.meta.main) {
  const startedAt = performance.now();
  const total = await runGate();
  console.log(`the gate took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  console.log(totalLine(total));
  process.exit(total.failed === 0 ? 0 : 1);
}
