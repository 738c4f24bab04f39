/** The seams between the parts of the simulation: server, actors, processes, invariants. Data and interfaces only. */
import type { FeatureGates } from "../../src/api/feature_gates.ts";
import type { Job } from "../../src/api/job.ts";
import type { JobSet } from "../../src/api/job_set.ts";
import type { Service } from "../../src/api/service.ts";
import type { CacheChange } from "../../src/cache/object_cache.ts";
import type { JsonObject } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";

export const RESOURCES = [
  "jobsets",
  "jobs",
  "pods",
  "services",
  "persistentvolumeclaims",
  "events",
  "leases",
  "priorityclasses",
  "nodes",
] as const;
export type ResourceName = typeof RESOURCES[number];

/** Who writes: a controller is `controller-1` or `controller-2`. */
export type User =
  | `controller-${number}`
  | "job-controller"
  | "garbage-collector"
  | "scheduler"
  | "kubelet"
  | "user"
  | "queue";

/** A change of what the server stores, as it takes place. Objects are shared: nobody changes them. */
export interface Write {
  readonly resource: ResourceName;
  readonly verb: "create" | "update" | "delete";
  readonly subresource: "status" | undefined;
  readonly user: User;
  readonly before: JsonObject | undefined;
  /** Undefined for a delete. */
  readonly after: JsonObject | undefined;
  readonly resourceVersion: number;
}

export interface ServerRequest {
  readonly method: string;
  /** Without a query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly accept: string;
  readonly body: string | undefined;
  readonly user: User;
}

export interface ServerAnswer {
  readonly status: number;
  /** JSON: an object, a list, or a Status. */
  readonly text: string;
}

/** An open watch. Lines are pulled, so that whoever carries them decides when they arrive. */
export interface ServerStream {
  /** The next line that is due, with its newline at the end; undefined while there is nothing new. */
  next(): string | undefined;
  /** Makes a bookmark of the newest version due after what is due already, where the watch allows bookmarks. */
  bookmark(): void;
  /** Called after each change that makes `next` give a line again; one listener. */
  onDue(listener: () => void): void;
  close(): void;
}

export interface DeleteOptions {
  readonly propagation?: "Foreground" | "Background" | "Orphan";
  readonly uid?: string;
  readonly graceSeconds?: number;
}

/** What the simulated API server offers. Each call is one atomic step; time comes from outside. */
export interface SimulatedServer {
  /** Everything but a watch: never throws. */
  handle(request: ServerRequest): ServerAnswer;
  /** A watch: the stream, or the refusal (410 and others). */
  watch(request: ServerRequest): ServerStream | ServerAnswer;

  /** What actors use in place of HTTP, with the same rules; they throw a ServerRefusal. */
  create(user: User, resource: ResourceName, object: JsonObject): JsonObject;
  /** Replaces the object; checks its resourceVersion and uid where it carries them. `status`: only its status counts. */
  update(user: User, resource: ResourceName, object: JsonObject, subresource?: "status"): JsonObject;
  remove(user: User, resource: ResourceName, key: ObjectKey, options?: DeleteOptions): void;

  get(resource: ResourceName, key: ObjectKey): JsonObject | undefined;
  all(resource: ResourceName): Iterable<JsonObject>;
  count(resource: ResourceName): number;
  /** The objects with an owner reference of this uid, of every resource. */
  ownedBy(uid: string): Iterable<{ readonly resource: ResourceName; readonly object: JsonObject }>;
  /** Whether an object of this uid is stored. */
  hasUid(uid: string): boolean;

  /** Called after each write, in their order. */
  onWrite(listener: (write: Write) => void): void;
  /** Forgets the history: a watch from an older version than now gets 410. */
  compact(): void;
  readonly resourceVersion: number;
}

export interface ObjectKey {
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** What the actors of the cluster (Job controller, kubelet, users …) live in. Each timer that fires is one step. */
export interface ActorWorld {
  readonly server: SimulatedServer;
  readonly random: Random;
  /** Milliseconds since 1970: the cluster's time, which never jumps. */
  now(): number;
  /** Milliseconds since the begin of the run. */
  elapsed(): number;
  /** `label` goes into the trace: short, without object names that the write tells anyway. */
  after(delayMs: number, label: string, fire: () => void): void;
}

/** What becomes of a run, drawn from a seed, or shrunk by hand: data, so that it can be printed and replayed. */
export interface Scenario {
  readonly seed: number;
  readonly gates: Partial<FeatureGates>;
  /** Two take part in an election. */
  readonly controllers: 1 | 2;
  /** Whether defaults and validation of ours are the webhooks of the server. */
  readonly hasWebhooks: boolean;
  readonly jobSets: readonly JobSetPlay[];
  readonly operations: readonly Operation[];
  readonly faults: FaultRates;
  readonly incidents: readonly Incident[];
  /** From here on nothing goes wrong any more, and nobody but the actors of the cluster acts. */
  readonly calmAtMs: number;
}

export interface JobSetPlay {
  readonly atMs: number;
  /** As a user would create it; what becomes of its Pods stands in annotations of their templates. */
  readonly object: JsonObject;
}

/** What users and queues do. */
export type Operation =
  & { readonly atMs: number; readonly jobSet: string; readonly by: "user" | "queue" }
  & (
    | { readonly kind: "suspend" | "resume" }
    /** The JobSet is deleted if it is there, and made anew: with this manifest, or as it was. */
    | { readonly kind: "recreate"; readonly object?: JsonObject }
    | { readonly kind: "delete"; readonly propagation: "Foreground" | "Background" | "Orphan" }
    /** A merge patch of the JobSet. */
    | { readonly kind: "edit"; readonly patch: JsonObject }
    /** A child is deleted by hand: the nth Job, or the Service. */
    | { readonly kind: "deleteJob"; readonly nth: number }
    | { readonly kind: "deleteService" }
    /** A Pod of any of its Jobs is evicted: the nth. */
    | { readonly kind: "deletePod"; readonly nth: number }
    /** A queue suspends a child Job itself, as Kueue does where it finds no workload (spec 9, K4). */
    | { readonly kind: "suspendJob"; readonly nth: number }
  );

/** Probabilities, each per request, line or stream. */
export interface FaultRates {
  /** The request never arrives: the connection is cut, or nothing happens until its deadline. */
  readonly lostRequest: number;
  /** The connection is cut, and the request arrives all the same, long after it was given up: of those that are safe then. */
  readonly strayRequest: number;
  /** The request takes effect, its answer never comes: cut, or nothing until the deadline. */
  readonly lostAnswer: number;
  readonly conflict: number;
  readonly tooManyRequests: number;
  readonly serverError: number;
  readonly unavailable: number;
  /** Takes some 100 times as long as others. */
  readonly slow: number;
  /** A line of a watch comes late, and with it all that follow. */
  readonly lateLine: number;
  /** A line comes twice. */
  readonly repeatedLine: number;
  /** The stream is cut before this line, within it, or after it. */
  readonly cutLine: number;
  /** A line comes without its end, and the stream goes on. */
  readonly brokenLine: number;
  /** The stream stays open and says nothing more. */
  readonly silence: number;
  /** The watch is answered with 410 although its version is still kept. */
  readonly gone: number;
  /** A line is left out, and the stream goes on: no API server does this. Nothing may be lost by it; what was missed may stay so. */
  readonly lostLine: number;
  /** A line comes after the one that follows it: no API server does this either. */
  readonly swappedLine: number;
}

export type Incident =
  & { readonly atMs: number }
  & (
    | { readonly kind: "kill" | "restart"; readonly controller: number }
    /** The process is killed right after its nth request from now has been sent, or before its answer is heard. */
    | { readonly kind: "killAtRequest"; readonly controller: number; readonly nth: number }
    /** Stands still, as a suspended machine does. */
    | { readonly kind: "pause"; readonly controller: number; readonly forMs: number }
    | { readonly kind: "cutStreams" | "compact" }
    /** No request is answered. */
    | { readonly kind: "outage"; readonly forMs: number }
    /** The wall clock of a controller is set. */
    | { readonly kind: "clockStep"; readonly controller: number; readonly byMs: number }
  );

/** What the invariants may look at in a controller. */
export interface ProcessView {
  readonly name: `controller-${number}`;
  readonly isAlive: boolean;
  readonly isLeading: boolean;
  readonly sizes: {
    readonly queue: number;
    readonly jobSets: number;
    readonly jobs: number;
    readonly services: number;
    readonly gone: number;
    readonly timers: number;
    readonly requests: number;
  };
  /** Lines of its log at error level. */
  readonly errors: readonly string[];
}

/** A cache of a controller, to be looked at. */
export interface Known<T> {
  get(namespace: string, name: string): T | undefined;
  /** The objects whose owner reference names this JobSet (`namespace/name`), whatever its uid. */
  byOwner(ownerKey: string): { values(): Iterable<T> };
}

/** What a controller knows, in one of its lives: each life has one of its own. */
export interface Knowledge {
  readonly process: ProcessView["name"];
  readonly jobSets: Known<JobSet>;
  readonly jobs: Known<Job>;
  readonly services: Known<Service>;
  /** Milliseconds since 1970, by its own clock. */
  now(): number;
  /** Whether it acts, and leads, as far as it knows itself. */
  mayWrite(): boolean;
}

/** A change of what a controller knows: its cache shows it already. */
export type Learned =
  & { readonly knowledge: Knowledge }
  & (
    | { readonly resource: "jobsets"; readonly change: CacheChange<JobSet> }
    | { readonly resource: "jobs"; readonly change: CacheChange<Job> }
    | { readonly resource: "services"; readonly change: CacheChange<Service> }
  );

/** A request that changes something, in the moment that a controller sends it: each try of it anew. */
export interface Sending {
  readonly knowledge: Knowledge;
  readonly method: string;
  /** Without a query. */
  readonly path: string;
  /** Read when it is first asked for; undefined where there is none. */
  readonly body: unknown;
}

/** The world as the invariants see it. */
export interface SimulationView extends ActorWorld {
  readonly scenario: Scenario;
  readonly processes: readonly ProcessView[];
  readonly steps: number;
  /** Nothing goes wrong any more. */
  readonly isCalm: boolean;
}

export interface Violation {
  readonly step: number;
  readonly atMs: number;
  readonly invariant: string;
  readonly detail: string;
}

/** Looks at every write and after every step. `report` ends the run at its first call. */
export interface Judge {
  onWrite(write: Write): void;
  onSend?(sending: Sending): void;
  onLearn?(learned: Learned): void;
  afterStep(): void;
  /** The world is calm and has stopped changing: is it what it should have become? */
  atRest(): void;
}

export interface RunResult {
  readonly seed: number;
  readonly steps: number;
  /** 16 hexadecimal digits over every step and write. */
  readonly hash: string;
  readonly violation: Violation | undefined;
}
