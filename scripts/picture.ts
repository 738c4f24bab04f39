/**
 * `npm run picture`: draws the pictures of the documentation from runs on a real control plane, with the compiled
 * controller. `npm run picture -- failure_policies` draws that one only, `npm run picture -- bench` those of
 * docs/bench. What is drawn is what was seen: each run gives other milliseconds.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawBenches } from "./bench_picture.ts";
import { setUpStage } from "./demo/stage.ts";
import { playFailurePolicies } from "./picture/failure_policies.ts";
import { playInPlaceRestart } from "./picture/in_place_restart.ts";
import type { Picture } from "./picture/picture.ts";
import { playPlacement } from "./picture/placement.ts";
import { Scene } from "./picture/scene.ts";
import { drawSvg } from "./picture/svg.ts";

const FOLDER = join(import.meta.dir, "..", "docs", "pictures");
const NODES = 9;
/** The pictures of docs/bench, from results that are there: no cluster is needed. */
const BENCH = "bench";

const PLAYS: Readonly<Record<string, (scene: Scene) => Promise<Picture>>> = {
  placement: playPlacement,
  failure_policies: playFailurePolicies,
  in_place_restart: playInPlaceRestart,
};

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => name !== BENCH && PLAYS[name] === undefined);
  if (unknown !== undefined) {
    console.error(`picture: "${unknown}" is none of ${[...Object.keys(PLAYS), BENCH].join(", ")}`);
    return 2;
  }
  const say = (line: string) => console.log(line);
  if (names.includes(BENCH)) drawBenches(say);
  const plays = names.length > 0 ? names.filter((name) => name !== BENCH) : Object.keys(PLAYS);
  return plays.length === 0 ? 0 : await drawPlays(plays, say);
}

async function drawPlays(names: readonly string[], say: (line: string) => void): Promise<number> {
  const fates = [{ labels: {}, fate: { "start-after": "300ms", "ready-after": "200ms" } }];
  const featureGates = { RestartJob: true, InPlaceRestart: true };
  const stage = await setUpStage({ fates, nodes: NODES, featureGates, step: say, report: say });
  try {
    mkdirSync(FOLDER, { recursive: true });
    for (const name of names) await draw(stage, name);
  } finally {
    await stage.stop();
  }
  return 0;
}

async function draw(stage: Scene["stage"], name: string): Promise<void> {
  const scene = await Scene.open(stage);
  const picture = await PLAYS[name]?.(scene);
  await scene.close();
  if (picture === undefined) return;
  const text = drawSvg(picture);
  writeFileSync(join(FOLDER, `${name}.svg`), text);
  console.log(`docs/pictures/${name}.svg: ${(text.length / 1024).toFixed(1)} KB, ${picture.description}`);
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  console.error(`picture: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
