/**
 * JobSets of every kind come and go on a real control plane while requests fail, connections break and processes die; then all
 * goes well again, and within `CALM_MS` everything must have come to its right end. What holds all along is judged on a record of
 * every write.
 */
import { appendFileSync } from "node:fs";
import { at } from "../../src/base/json.ts";
import { seededRandom } from "../../src/base/seeded_random.ts";
import { waitFor } from "../../scripts/control_plane/wait.ts";
import { CONTROLLER_USER } from "../e2e/environment.ts";
import { NAMESPACE } from "../e2e/installation.ts";
import { AuditLog } from "../bench/audit_log.ts";
import { mayBeFromBefore } from "../e2e/from_before.ts";
import { readReigns } from "../e2e/reigns.ts";
import { ACTED_KINDS } from "./acted_kinds.ts";
import { type ChaosResult, explain, type Parts, progressLine, resultOf, summaryLines } from "./account.ts";
import { Diary } from "./diary.ts";
import { Disturbances } from "./disturbances.ts";
import { EtcdRecord } from "./etcd_record.ts";
import { clusterIncidents, controllerIncidents } from "./incidents.ts";
import { Judge, type Violation } from "./judge.ts";
import { WATCHED_KINDS } from "./kinds.ts";
import { Draw } from "./play.ts";
import { Stage } from "./stage.ts";
import { SimulationJudges } from "./simulation_judges.ts";
import { startSystem, type System } from "./system.ts";
import { Theatre } from "./theatre.ts";
import { Track } from "./track.ts";
import { Weather } from "./weather.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
  /** A file for every frame, one JSON a line. */
  readonly recordFile: string | undefined;
}

/** Once nothing goes wrong any more, all must be as it should within this time: watches may wait for 30 s, requests as long. */
const CALM_MS = 120_000;
/** After that nothing may be written for so long. */
const QUIET_MS = 5_000;
/** Of the time asked for: start, rest and quiet take the remainder. */
const REST_SHARE_MS = 40_000;
const PROGRESS_MS = 10_000;
/** A request on its way may be held up so long: by the proxy, and on a busy machine. */
const LATE_MS = 3_000;
/**
 * A watch that failed again and again pauses for up to 45 s (src/watch: 30 s and half as much by chance), and needs a
 * moment to be answered. The lease sets no bound to that: its renewals are requests of their own, which succeed while
 * a watch pauses, and so the leader acts by right, on what it last heard. That it does not act once another leads is
 * an invariant of its own ("only the leader writes").
 */
const DEAF_MS = 50_000;
const MAX_VIOLATIONS = 10;
const EVERYTHING_MINUTES = 3;
const STRENGTHS = [0, 0, 0.3, 0.6, 1] as const;
/** Written by every replica, or about itself. */
const UNCOUNTED = ["leases", "subjectaccessreviews", "tokenreviews", "secrets"];
const WRITES = ["create", "update", "patch", "delete"];

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const system = await startSystem(options.report);
  try {
    options.signal.throwIfAborted();
    return await new Chaos(options, system).run();
  } finally {
    await system.stop();
  }
}

class Chaos {
  readonly #options: ChaosOptions;
  readonly #system: System;
  readonly #violations: Violation[] = [];
  readonly #diary = new Diary();
  readonly #byHand = new Set<string>();
  readonly #disturbances = new Disturbances(DEAF_MS);
  readonly #judge: Judge;
  readonly #simulationJudges: SimulationJudges;
  readonly #weather: Weather;
  readonly #audit: AuditLog;
  readonly #abort = new AbortController();
  readonly #startedAt = performance.now();

  constructor(options: ChaosOptions, system: System) {
    this.#options = options;
    this.#system = system;
    this.#judge = new Judge({
      report: (violation) => this.#blame(violation),
      isDeletedByHand: (uid) => this.#byHand.has(uid),
      lateMs: LATE_MS,
      deafMs: (sinceMs) => this.#disturbances.deafMs(sinceMs),
    });
    this.#simulationJudges = new SimulationJudges({
      report: (invariant, detail) => this.#blame({ invariant, detail, ...this.#about(detail) }),
      isDeletedByHand: (uid) => this.#byHand.has(uid),
      originMs: performance.timeOrigin,
    });
    this.#weather = new Weather(system.proxy, seededRandom(options.seed + 1));
    this.#audit = new AuditLog(system.environment.description.auditLog);
    options.signal.addEventListener("abort", () => this.#abort.abort(options.signal.reason), { once: true });
  }

  async run(): Promise<ChaosResult> {
    const { seed, report, signal, recordFile } = this.#options;
    const record = await EtcdRecord.start(this.#system.controlPlane, (frame) => {
      if (recordFile !== undefined) appendFileSync(recordFile, `${JSON.stringify(frame)}\n`);
      this.#diary.onFrame(frame);
      this.#judge.onFrame(frame);
      this.#simulationJudges.onFrame(frame);
    });
    const stage = new Stage({
      cluster: this.#system.cluster,
      judge: this.#judge,
      byHand: this.#byHand,
      signal: this.#abort.signal,
    });
    const theatre = new Theatre(stage, { ...WATCHED_KINDS, ...ACTED_KINDS }, new Draw(seededRandom(seed)));
    const tracks = this.#tracks(record);
    const progress = setInterval(
      () => report(progressLine(this.#parts(theatre, tracks), this.#startedAt)),
      PROGRESS_MS,
    );
    const ended = Promise.withResolvers<never>();
    ended.promise.catch(() => undefined); // told by the race below
    signal.addEventListener("abort", () => ended.reject(signal.reason), { once: true });
    try {
      return await Promise.race([this.#play(record, theatre, tracks), record.failed, ended.promise]);
    } finally {
      clearInterval(progress);
      for (const track of tracks) track.end();
      this.#abort.abort();
      await theatre.close().catch(() => undefined); // the abort is what ends it
      await record.stop();
    }
  }

  async #play(record: EtcdRecord, theatre: Theatre, tracks: readonly Track[]): Promise<ChaosResult> {
    const { minutes } = this.#options;
    theatre.start();
    const running = [...tracks.map((track) => track.run()), this.#changeWeather()];
    const failed = Promise.race(running.map((each) => each.then(() => new Promise<never>(() => {}))));
    const endAt = this.#startedAt + Math.max(minutes * 60_000 - REST_SHARE_MS, 20_000);
    const hasEverything = () => minutes < EVERYTHING_MINUTES || tracks.every(({ deals }) => deals > 0);
    const isOver = () => this.#isFull || (performance.now() > endAt && hasEverything());
    await Promise.race([until(isOver, this.#abort.signal), failed]);
    for (const track of tracks) track.end();
    this.#isCalm = true;
    await Promise.all(running);
    const calmedMs = await this.#comeToRest(record, theatre);
    const { report, seed } = this.#options;
    const parts = this.#parts(theatre, tracks);
    for (const line of summaryLines(parts, calmedMs)) report(line);
    if (this.#violations.length > 0) report(explain(parts, seed));
    return resultOf(parts);
  }

  #isCalm = false;

  get #isFull(): boolean {
    return this.#violations.length >= MAX_VIOLATIONS;
  }

  #tracks(record: EtcdRecord): readonly Track[] {
    const { seed, report } = this.#options;
    const parts = { system: this.#system, record, weather: this.#weather, report };
    const note = (line: string) => this.#diary.note(line);
    const track = (offset: number, make: typeof clusterIncidents, pauseMs: readonly [number, number]) => {
      const draw = new Draw(seededRandom(seed + offset));
      return new Track({
        incidents: make({ ...parts, draw }),
        draw,
        judge: this.#judge,
        disturbances: this.#disturbances,
        pauseMs,
        note,
      });
    };
    return [track(2, clusterIncidents, [2_000, 7_000]), track(3, controllerIncidents, [500, 4_000])];
  }

  async #changeWeather(): Promise<void> {
    const draw = new Draw(seededRandom(this.#options.seed + 4));
    while (!this.#isCalm && !this.#abort.signal.aborted) {
      const strength = draw.of(...STRENGTHS);
      if (strength > 0) this.#disturbances.begin();
      this.#weather.change(strength);
      const changeAt = performance.now() + draw.between(2_000, 8_000);
      await until(() => this.#isCalm || performance.now() > changeAt, this.#abort.signal);
      if (strength > 0) this.#disturbances.end();
    }
    this.#weather.calm();
  }

  /** Nothing goes wrong any more: how long it takes until all is as it must be. */
  async #comeToRest(record: EtcdRecord, theatre: Theatre): Promise<number> {
    const { replicas } = this.#system;
    for (const replica of replicas) {
      replica.signal("SIGCONT");
      replica.clock?.set(0);
    }
    const calmAt = performance.now();
    this.#diary.note("calm");
    this.#options.report("faults off: everything must come to its end");
    await theatre.close();
    const isAtRest = () => theatre.problems().size === 0 && this.#judge.orphans.length === 0;
    await waitFor("rest", { timeoutMs: CALM_MS, check: () => isAtRest() || this.#isFull }).catch(() => undefined);
    const calmedMs = performance.now() - calmAt;
    await record.caughtUp();
    await this.#judgeQuiet();
    await record.caughtUp();
    const { cluster } = this.#system;
    this.#judgeEnd(theatre);
    this.#simulationJudges.atRest(Date.now(), await cluster.list("services"));
    return calmedMs;
  }

  async #judgeQuiet(): Promise<void> {
    const isWrite = (entry: { readonly user: string; readonly verb: string; readonly resource: string }) =>
      entry.user === CONTROLLER_USER && WRITES.includes(entry.verb) && !UNCOUNTED.includes(entry.resource);
    await this.#audit.waitForQuiet(isWrite, QUIET_MS).catch(() => {
      this.#blame({ invariant: "a quiet world is not written to", detail: "", namespace: "", jobSet: "" });
    });
  }

  #judgeEnd(theatre: Theatre): void {
    const { namespace } = this.#system.cluster;
    for (const [jobSet, problems] of theatre.problems()) {
      const detail = problems.join("; ");
      this.#blame({ invariant: `at rest within ${CALM_MS / 1000} s`, detail, namespace, jobSet });
    }
    for (const { name, ownerUid } of this.#judge.orphans) {
      const jobSet = name.replace(/-[^-]+-\d+$/, "");
      this.#blame({ invariant: "no Job without its JobSet", detail: `${name} of ${ownerUid}`, namespace, jobSet });
    }
    const places: readonly unknown[] = [namespace, NAMESPACE];
    const resumedAtMs = new Map(this.#system.replicas.map((replica) => [replica.credential, replica.resumedAtMs]));
    const entries = this.#system.controlPlane.auditEntries()
      .filter((entry) => places.includes(at(entry, "objectRef", "namespace")))
      .filter((entry) => !mayBeFromBefore(entry, { resumedAtMs, lateMs: LATE_MS }));
    for (const detail of readReigns(entries).intrusions) {
      this.#blame({ invariant: "only the leader writes", detail, namespace, jobSet: "" });
    }
    for (const { name, badEnds, crashes } of this.#system.replicas) {
      const details = [...badEnds.map((code) => `ended with ${code}`), ...crashes];
      for (const detail of details) {
        this.#blame({ invariant: "no crash", detail: `${name}: ${detail}`, namespace, jobSet: "" });
      }
    }
  }

  /** The JobSet that a sentence is about: its name ends with the number of its play. */
  #about(detail: string): { readonly namespace: string; readonly jobSet: string } {
    return { namespace: this.#system.cluster.namespace, jobSet: /\b[a-z][a-z-]*-\d+/.exec(detail)?.[0] ?? "" };
  }

  #blame(violation: Violation): void {
    if (this.#isFull) return;
    this.#violations.push(violation);
    const { invariant, jobSet, detail } = violation;
    this.#options.report(`VIOLATION: ${invariant}: ${jobSet}: ${detail}`);
    this.#diary.note(`VIOLATION: ${invariant}: ${jobSet}: ${detail}`);
  }

  #parts(theatre: Theatre, tracks: readonly Track[]): Parts {
    return {
      system: this.#system,
      judge: this.#judge,
      weather: this.#weather,
      diary: this.#diary,
      violations: this.#violations,
      theatre,
      tracks,
    };
  }
}

async function until(check: () => boolean, signal: AbortSignal): Promise<void> {
  while (!check() && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 50));
}
