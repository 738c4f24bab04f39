/** When something kept the controller from hearing: an incident, or bad weather. */
export class Disturbances {
  readonly #lastsMs: number;
  #underWay = 0;
  #endedAtMs = -Infinity;

  /** `lastsMs`: how long the controller may still be deaf after each, as its watches wait before they try again. */
  constructor(lastsMs: number) {
    this.#lastsMs = lastsMs;
  }

  begin(): void {
    this.#underWay += 1;
  }

  end(): void {
    this.#underWay -= 1;
    this.#endedAtMs = performance.now();
  }

  /** For how long from a moment on, now past, the controller may not have heard of what was then. */
  deafMs(sinceMs: number): number {
    const nowMs = performance.now();
    const endMs = this.#underWay > 0 ? nowMs : Math.min(nowMs, this.#endedAtMs + this.#lastsMs);
    return Math.min(Math.max(0, endMs - sinceMs), this.#lastsMs);
  }
}
