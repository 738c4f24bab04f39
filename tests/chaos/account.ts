/** What a run tells of itself: while it goes on, at its end, and where something was wrong. */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { at, type JsonObject } from "../../src/base/json.ts";
import { auditLine, type Diary } from "./diary.ts";
import type { Judge, Violation } from "./judge.ts";
import type { System } from "./system.ts";
import type { Theatre } from "./theatre.ts";
import type { Track } from "./track.ts";
import type { Weather } from "./weather.ts";

export interface Parts {
  readonly system: System;
  readonly judge: Judge;
  readonly weather: Weather;
  readonly diary: Diary;
  readonly theatre: Theatre;
  readonly tracks: readonly Track[];
  readonly violations: readonly Violation[];
}

export interface ChaosResult {
  readonly jobSets: number;
  readonly restarts: number;
  readonly kills: number;
  readonly faults: number;
  readonly violations: number;
}

/** Lines of a report that are shown at once; the rest is in its file. */
const SHOWN_LINES = 80;
const LOG_LINES = 3_000;

export function resultOf({ judge: { tally }, tracks, weather, violations }: Parts): ChaosResult {
  return {
    jobSets: tally.jobSets,
    restarts: tally.restarts,
    kills: tracks.reduce((sum, track) => sum + track.kills, 0),
    faults: [...weather.hits.values()].reduce((sum, hits) => sum + hits, 0),
    violations: violations.length,
  };
}

export function progressLine(parts: Parts, startedAtMs: number): string {
  const { judge: { tally }, theatre, tracks } = parts;
  const { jobSets, restarts, kills, faults } = resultOf(parts);
  const now = tracks.map((track) => track.now).filter((text) => text !== "");
  return `${seconds(performance.now() - startedAtMs)}: ${jobSets} JobSets (${theatre.open} open), ` +
    `${tally.jobs} Jobs, ${restarts} restarts, ${kills} kills, ${faults} faults, last deed ` +
    `${seconds(performance.now() - tally.lastDeedAtMs)} ago${now.length === 0 ? "" : `; now: ${now.join(", ")}`}`;
}

export function summaryLines({ judge: { tally }, weather, system, theatre, tracks }: Parts, calmedMs: number) {
  const list = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
  const longest = tracks.map((track) => track.longest).toSorted((a, b) => b.ms - a.ms)[0];
  return [
    `plays: ${list(theatre.played)}`,
    ...tracks.map((track) => `incidents: ${list(track.counts)}`),
    ...tracks.flatMap(({ missing }) => [...missing].map(([name, reason]) => `NOT DONE: ${name}: ${reason}`)),
    `requests met: ${list(weather.hits)}`,
    ...system.replicas.map(({ name, ends }) =>
      `${name} ended ${[...ends].map(([code, count]) => `${count} times with ${code}`).join(", ")}`
    ),
    `${tally.jobs} Jobs made; ${tally.late} deeds came late, ${tally.deaf} were of one that could not hear`,
    `longest recovery: ${seconds(longest?.ms ?? 0)} after "${longest?.after}"; ` +
    `at rest ${seconds(calmedMs)} after the last fault`,
  ];
}

/** What is needed to understand the violations: the beginning as text, all of it in a file that stays. */
export function explain(parts: Parts, seed: number): string {
  const audit = parts.system.controlPlane.auditEntries();
  const text = parts.violations.map((violation) => chapter(parts, violation, audit)).join("\n");
  const logs = parts.system.replicas.map(({ name, controller }) => `${name}:\n${controller.logTail(LOG_LINES)}\n`);
  const file = join(tmpdir(), `jobset-lite-chaos-${seed}.txt`);
  writeFileSync(file, `${text}\n${logs.join("\n")}`);
  return `${text.split("\n").slice(0, SHOWN_LINES).join("\n")}\nall of it: ${file}`;
}

/** The frames of the JobSet, the requests about it and what the replicas logged of it, in order of time. */
function chapter({ diary, system }: Parts, violation: Violation, audit: readonly JsonObject[]): string {
  const { invariant, jobSet, detail } = violation;
  const isAbout = (name: unknown) => jobSet !== "" && typeof name === "string" && `${name}-`.startsWith(`${jobSet}-`);
  const requests = audit.filter((entry) => isAbout(at(entry, "objectRef", "name"))).map(auditLine);
  const logs = jobSet === ""
    ? []
    : system.replicas.flatMap(({ name, controller }) =>
      controller.logLines(`/${jobSet} `).map((line) => line.replace(" ", ` ${name}: `))
    );
  const lines = [...diary.of(jobSet), ...requests, ...logs].toSorted();
  return `${invariant}: ${jobSet}: ${detail}\n${lines.join("\n")}\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
