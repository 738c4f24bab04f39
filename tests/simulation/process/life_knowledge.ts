/** What a controller knows, for the judges: its own caches and clock, and what it sends. */
import type { Clock } from "../../../src/base/clock.ts";
import type { Caches } from "../../../src/run/watches.ts";
import type { Knowledge, Learned, Sending } from "../types.ts";

export interface LifeKnowledgeOptions {
  readonly process: Knowledge["process"];
  readonly caches: Caches;
  readonly clock: Pick<Clock, "now">;
  readonly mayWrite: () => boolean;
}

export class LifeKnowledge implements Knowledge {
  readonly process: Knowledge["process"];
  readonly #caches: Caches;
  readonly #clock: Pick<Clock, "now">;
  readonly #mayWrite: () => boolean;

  constructor({ process, caches, clock, mayWrite }: LifeKnowledgeOptions) {
    this.process = process;
    this.#caches = caches;
    this.#clock = clock;
    this.#mayWrite = mayWrite;
  }

  get jobSets(): Caches["jobSets"] {
    return this.#caches.jobSets;
  }

  get jobs(): Caches["jobs"] {
    return this.#caches.jobs;
  }

  get services(): Caches["services"] {
    return this.#caches.services;
  }

  now(): number {
    return this.#clock.now();
  }

  mayWrite(): boolean {
    return this.#mayWrite();
  }

  /** Tells of each change from now on. */
  follow(tell: (learned: Learned) => void): void {
    const { jobSets, jobs, services } = this.#caches;
    jobSets.onChange((change) => tell({ knowledge: this, resource: "jobsets", change }));
    jobs.onChange((change) => tell({ knowledge: this, resource: "jobs", change }));
    services.onChange((change) => tell({ knowledge: this, resource: "services", change }));
  }
}

/** Its body is parsed for whoever asks, once. */
export class RequestSent implements Sending {
  readonly knowledge: Knowledge;
  readonly method: string;
  readonly path: string;
  readonly #text: string | undefined;
  #parsed: { readonly body: unknown } | undefined;

  constructor(
    knowledge: Knowledge,
    { method, target, body }: {
      readonly method: string;
      readonly target: string;
      readonly body: string | undefined;
    },
  ) {
    this.knowledge = knowledge;
    this.method = method;
    const query = target.indexOf("?");
    this.path = query < 0 ? target : target.slice(0, query);
    this.#text = body;
  }

  get body(): unknown {
    this.#parsed ??= { body: this.#text === undefined ? undefined : JSON.parse(this.#text) };
    return this.#parsed.body;
  }
}
