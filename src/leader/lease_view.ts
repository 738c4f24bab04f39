import { isNewerVersion } from "../cache/resource_version.ts";
import { type Lease, sameRecord } from "./lease.ts";
import type { KnownLease, Sighting } from "./lease_step.ts";
import type { LeaseNews } from "./lease_watch.ts";

/** The lease as it was told last, by answers and by the watch, and since when it is so. */
export class LeaseView {
  #known: KnownLease = { kind: "unknown" };
  /** The newest version known, also of the absence. */
  #version = "";

  get known(): KnownLease {
    return this.#known;
  }

  /** The name in it, "" where it is free, undefined where there is none or it is not known. */
  get holder(): string | undefined {
    return this.#known.kind === "present" ? this.#known.lease.record.holder : undefined;
  }

  /** An answer: newer than all before, because requests go one after the other. */
  answered(lease: Lease, nowMs: number): void {
    const seen = this.#sighting();
    // A change of labels is no sign of life: the holder's time does not begin anew.
    const isSame = seen !== undefined && sameRecord(seen.lease.record, lease.record);
    this.#known = { kind: "present", lease, observedAtMs: isSame ? seen.observedAtMs : nowMs };
    this.#version = lease.resourceVersion;
  }

  answeredAbsent(): void {
    this.#known = { kind: "absent", before: this.#sighting() };
  }

  /**
   * What the watch says; whether it is news. What is older than what we know is of the past, such as the state before our
   * own write.
   */
  told(news: LeaseNews, nowMs: number): boolean {
    const version = news.kind === "present" ? news.lease.resourceVersion : news.resourceVersion;
    if (!isNewerVersion(version, this.#version)) return false;
    const seen = this.#known;
    if (news.kind === "present") this.answered(news.lease, nowMs);
    else this.answeredAbsent();
    this.#version = version;
    return seen.kind !== "present" || news.kind !== "present" ||
      !sameRecord(seen.lease.record, news.lease.record);
  }

  /** Somebody else was faster: what is known is the past. */
  overtaken(): void {
    this.#known = { kind: "unknown", before: this.#sighting() };
  }

  #sighting(): Sighting | undefined {
    return this.#known.kind === "present" ? this.#known : this.#known.before;
  }
}
