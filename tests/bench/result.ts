/** What a bench measured, kept as docs/bench/NAME.json: with the machine and the versions, and nothing that names a host. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { findVersion } from "../../scripts/control_plane/versions.ts";
import type { Bench, Outcome } from "./bench.ts";
import type { Judgement } from "./judge.ts";

const ROOT = join(import.meta.dir, "..", "..");
/** Digits that mean something. */
const DIGITS = 4;

export interface Result {
  readonly bench: string;
  readonly about: string;
  /** `2026-01-31` */
  readonly date: string;
  readonly commit: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number };
  readonly versions: { readonly bun: string; readonly kubernetes: string; readonly etcd: string };
  readonly figures: readonly ResultFigure[];
  readonly series: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly faults: readonly string[];
}

export interface ResultFigure {
  readonly name: string;
  readonly value: number;
  readonly most?: number;
  readonly least?: number;
  readonly noise: number;
  readonly verdict: Judgement["verdict"];
  /** What the value is the median of. */
  readonly rounds?: readonly number[];
}

/** Writes the file and says where, from the root of the checkout. */
export function saveResult(bench: Bench, outcome: Outcome, judgements: readonly Judgement[]): string {
  const path = join("docs", "bench", `${bench.name}.json`);
  mkdirSync(join(ROOT, "docs", "bench"), { recursive: true });
  writeFileSync(join(ROOT, path), `${JSON.stringify(resultOf(bench, outcome, judgements), undefined, 2)}\n`);
  return path;
}

function resultOf({ name, about }: Bench, outcome: Outcome, judgements: readonly Judgement[]): Result {
  const { kubernetes, etcd } = findVersion();
  return {
    bench: name,
    about,
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    versions: { bun: Bun.version, kubernetes, etcd },
    figures: judgements.map((judgement) => figureOf(judgement, outcome)),
    series: Object.fromEntries(
      Object.entries(outcome.series ?? {}).map(([key, values]) => [
        key,
        Object.fromEntries([...values].map(([label, value]) => [label, short(value)])),
      ]),
    ),
    faults: outcome.faults,
  };
}

function figureOf({ budget, value, noise, verdict }: Judgement, { samples }: Outcome): ResultFigure {
  const rounds = samples?.[budget.name];
  return {
    ...budget,
    value: short(value),
    noise: short(noise),
    verdict,
    ...(rounds === undefined ? {} : { rounds: rounds.map(short) }),
  };
}

function short(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

/** Marked where the checkout differs from it. */
function commitOf(): string {
  const git = (...args: readonly string[]) =>
    Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" }).stdout.toString().trim();
  const isChanged = git("status", "--porcelain", "--untracked-files=no", "--", "src", "tests/bench") !== "";
  return `${git("rev-parse", "--short=10", "HEAD")}${isChanged ? " with changes" : ""}`;
}
