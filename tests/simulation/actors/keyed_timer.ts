import type { ActorWorld } from "../types.ts";

/** At most one timer per key, as a work queue has at most one entry per key: a key that waits is not woken twice. */
export class KeyedTimer {
  readonly #waiting = new Set<string>();
  readonly #world: ActorWorld;
  readonly #label: string;
  readonly #fire: (key: string) => void;

  constructor(world: ActorWorld, { label, fire }: { readonly label: string; readonly fire: (key: string) => void }) {
    this.#world = world;
    this.#label = label;
    this.#fire = fire;
  }

  wake(key: string, delayMs: number): void {
    if (this.#waiting.has(key)) return;
    this.#waiting.add(key);
    this.#world.after(delayMs, this.#label, () => {
      this.#waiting.delete(key);
      this.#fire(key);
    });
  }
}
