import type { Clock } from "../base/clock.ts";
import { at, type JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { isNewerVersion } from "../cache/resource_version.ts";
import type { KubeClient } from "../client/kube_client.ts";
import { Watcher } from "../watch/watcher.ts";
import { type Lease, readLease } from "./lease.ts";
import { leasesPath } from "./lease_requests.ts";

/** What the watch tells: the Lease, or that there is none as of a version. */
export type LeaseNews =
  | { readonly kind: "present"; readonly lease: Lease }
  | { readonly kind: "absent"; readonly resourceVersion: string };

export interface LeaseWatchOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly namespace: string;
  readonly name: string;
  readonly onNews: (news: LeaseNews) => void;
  /** The watch can be relied on, or no longer. */
  readonly onTrust: () => void;
}

/** Watches the one Lease, and knows whether what it tells can be relied on. */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  readonly #watcher: Watcher<JsonObject>;
  #isFailing = false;
  /** The newest version that it told. */
  #version = "";
  /** A version that was read elsewhere before the watch told it: until it has caught up, it may be dead without a word. */
  #expected = "";

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
    const { client, clock, random, log, namespace, name } = options;
    this.#watcher = new Watcher({
      client,
      clock,
      random,
      log,
      path: leasesPath(namespace),
      query: { fieldSelector: `metadata.name=${name}` },
      trim: (object) => at(object, "metadata", "name") === name ? object : undefined,
      sink: {
        replace: ([object], resourceVersion) => {
          if (object === undefined) this.#absent(resourceVersion);
          else this.#present(object);
        },
        upsert: (object) => this.#present(object),
        remove: ({ resourceVersion }) => this.#absent(resourceVersion),
      },
      onProblem: () => this.#setFailing(true),
      onRecovered: () => this.#setFailing(false),
      onSynced: () => options.onTrust(),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#watcher.run(signal);
  }

  get isTrusted(): boolean {
    return this.#watcher.isSynced && !this.#isFailing && !isNewerVersion(this.#expected, this.#version);
  }

  /** A read showed this version. */
  expect(resourceVersion: string): void {
    this.#expected = resourceVersion;
  }

  #present(object: JsonObject): void {
    const lease = readLease(object);
    if (lease === undefined) return;
    this.#version = lease.resourceVersion;
    this.#options.onNews({ kind: "present", lease });
  }

  #absent(resourceVersion: string): void {
    this.#version = resourceVersion;
    this.#options.onNews({ kind: "absent", resourceVersion });
  }

  #setFailing(isFailing: boolean): void {
    this.#isFailing = isFailing;
    this.#options.onTrust();
  }
}
