/**
 * `npm test`: the gate; the simulation, three minutes of chaos and the contract tests, all at once; the core
 * end-to-end tests; at last, whether these used every permission that the manifest grants (tests/permissions).
 * Contract and end-to-end tests share one real control plane that is started here. `--all` adds the long end-to-end
 * tests (`*_long_test.ts`). `npm run e2e -- FILTER…` runs only the contract and end-to-end test files whose path has
 * one of the filters in it, long ones included. `--kubernetes 1.34` runs them on another minor than the newest.
 *
 * The test processes find the control plane by JOBSET_E2E: the path of a JSON file (tests/e2e/environment.ts).
 */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chaosStep } from "../tests/chaos/chaos_step.ts";
import { CONTROLLER_USER, describe, Environment } from "../tests/e2e/environment.ts";
import { applyManifest, startWebhooks } from "../tests/e2e/installation.ts";
import { simulationStep } from "../tests/simulation/simulation_step.ts";
import { buildBinary } from "./build.ts";
import { startControlPlane } from "./control_plane.ts";
import { findFreePorts } from "./control_plane/ports.ts";
import { findVersion, MINOR_VARIABLE } from "./control_plane/versions.ts";
import { startKubelet } from "./kubelet.ts";
import { runGate } from "./ok.ts";
import { NOTHING, ROOT, runStep, sum, testStep, type Total, totalLine } from "./steps.ts";

const NODES = 3;
const TEST_TIMEOUT_MS = 120_000;
const LONG = "_long_test.ts";

interface Plan {
  readonly hasGate: boolean;
  readonly contract: readonly string[];
  readonly e2e: readonly string[];
  /** Simulation and chaos. */
  readonly hasProof: boolean;
  /** Looks back on the end-to-end tests: only where all of the core was run. */
  readonly permissions: readonly string[];
  /** The Kubernetes minor of every control plane. */
  readonly minor: string;
}

function readPlan(): Plan {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: "boolean", default: false },
      "only-e2e": { type: "boolean", default: false },
      kubernetes: { type: "string" },
    },
  });
  const isChosen = (file: string) => positionals.length === 0 || positionals.some((filter) => file.includes(filter));
  const withLong = values.all || positionals.length > 0;
  return {
    hasGate: !values["only-e2e"],
    hasProof: !values["only-e2e"],
    contract: testFiles("tests/contract").filter(isChosen),
    e2e: testFiles("tests/e2e").filter((file) => isChosen(file) && (withLong || !file.endsWith(LONG))),
    permissions: positionals.length === 0 ? testFiles("tests/permissions") : [],
    minor: findVersion(values.kubernetes).minor,
  };
}

function testFiles(folder: string): readonly string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder)).filter((name) => name.endsWith("_test.ts")).sort()
    .map((name) => `./${folder}/${name}`);
}

async function runOnControlPlane(plan: Plan): Promise<Total> {
  const report = (line: string) => console.log(line);
  const binary = await buildBinary(report);
  const crds = [join(ROOT, "crds", "jobset.x-k8s.io_jobsets.yaml")];
  const { minor } = plan;
  const controlPlane = await startControlPlane({ minor, auditUsers: [CONTROLLER_USER], crds, report });
  try {
    const kubelet = await startKubelet({ access: controlPlane.api.access, nodes: NODES, report });
    const file = join(controlPlane.dir, "e2e.json");
    const [webhookPort = 0] = await findFreePorts(1);
    const description = describe(controlPlane, { binary, webhookPort });
    writeFileSync(file, JSON.stringify(description));
    const env = { [MINOR_VARIABLE]: minor };
    const more = {
      env: { ...env, JOBSET_E2E: file },
      isShown: true,
      flags: [`--timeout=${TEST_TIMEOUT_MS}`],
    };
    // The contract tests wait for the control plane most of the time, and have no deadlines of seconds.
    const [simulation, chaos, contract] = await Promise.all([
      plan.hasProof ? runStep(simulationStep()) : NOTHING,
      plan.hasProof ? runStep({ ...chaosStep(), env }) : NOTHING,
      plan.contract.length === 0 ? NOTHING : runStep(testStep("contract", plan.contract, more)),
    ]);
    const e2e = plan.e2e.length === 0 ? NOTHING : await runInstalled(
      new Environment(description, controlPlane.binaries.kubectl, () => Promise.resolve()),
      () => runStep(testStep("end to end", plan.e2e, more)),
    );
    await kubelet.stop();
    const { permissions } = plan;
    return sum([
      simulation,
      chaos,
      contract,
      e2e,
      permissions.length === 0 ? NOTHING : await runStep(testStep("permissions", permissions, more)),
    ]);
  } finally {
    await controlPlane.stop();
  }
}

/** The manifest applied and its webhooks served, by a replica that lives as long as the tests. */
async function runInstalled(environment: Environment, run: () => Promise<Total>): Promise<Total> {
  await applyManifest(environment);
  const webhooks = await startWebhooks(environment);
  try {
    return await run();
  } finally {
    await webhooks.dispose();
  }
}

/** Where not even the tests can start, that is one failure. */
async function run(plan: Plan): Promise<Total> {
  const gate = plan.hasGate ? await runGate() : NOTHING;
  if (plan.contract.length + plan.e2e.length === 0) return gate;
  try {
    return sum([gate, await runOnControlPlane(plan)]);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return sum([gate, { passed: 0, failed: 1 }]);
  }
}

const startedAt = performance.now();
const total = await run(readPlan());
console.log(`all of it took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
console.log(totalLine(total));
process.exit(total.failed === 0 ? 0 : 1);
