/** Objects by their names, for a look-up and for a walk in the order in which they came. */
export interface Named<T> {
  readonly size: number;
  get(name: string): T | undefined;
  keys(): Iterable<string>;
  values(): Iterable<T>;
}

/** So few are found sooner without a hash. */
const SMALL = 8;
/** Slots for each place: half of them at least are empty. */
const SLOTS_PER_PLACE = 2;

/**
 * A map from the name that each object carries itself. The engine's Map takes 60 to 180 bytes for an entry, this one 12 to 30:
 * with 50,000 Pods in three of them that is what a Pod itself takes.
 *
 * The objects stand in one list in the order of their arrival, with holes where some were taken out; a hash table over it holds
 * their places. Its slots are never emptied one by one: one that leads to a hole is passed over, until the list is packed.
 * While it is walked, objects may be taken out or replaced; what is added meanwhile may be missed.
 */
export class NameTable<T extends { readonly name: string }> implements Named<T> {
  #items: (T | undefined)[] = [];
  /** Place + 1 by hash, 0 where empty; none at all while the list is short. */
  #slots: Uint32Array | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(name: string): T | undefined {
    const place = this.#placeOf(name);
    return place === undefined ? undefined : this.#items[place];
  }

  /** In the place of the one of its name, or as the last. */
  set(item: T): void {
    const known = this.#placeOf(item.name);
    if (known !== undefined) {
      this.#items[known] = item;
      return;
    }
    this.#makeRoom();
    this.#items.push(item);
    this.#size++;
    if (this.#slots !== undefined) fillSlot(this.#slots, item.name, this.#items.length);
  }

  delete(name: string): void {
    const place = this.#placeOf(name);
    if (place === undefined) return;
    this.#items[place] = undefined;
    this.#size--;
    if (this.#size > 0) return;
    this.#items = [];
    this.#slots = undefined;
  }

  *keys(): Generator<string, void, undefined> {
    for (const { name } of this.values()) yield name;
  }

  *values(): Generator<T, void, undefined> {
    const items = this.#items;
    for (const item of items) {
      // Once the list was packed this one is an old copy.
      const known = items === this.#items || item === undefined ? item : this.get(item.name);
      if (known !== undefined) yield known;
    }
  }

  #placeOf(name: string): number | undefined {
    const slots = this.#slots;
    if (slots === undefined) {
      const place = this.#items.findIndex((item) => item?.name === name);
      return place < 0 ? undefined : place;
    }
    const mask = slots.length - 1;
    for (let slot = hashOf(name) & mask;; slot = (slot + 1) & mask) {
      const place = (slots[slot] ?? 0) - 1;
      if (place < 0) return undefined;
      if (this.#items[place]?.name === name) return place;
    }
  }

  /** For one more: the holes go, and the table is twice what is left. */
  #makeRoom(): void {
    const places = this.#items.length + 1;
    if (places <= (this.#slots === undefined ? SMALL : this.#slots.length / SLOTS_PER_PLACE)) return;
    this.#items = this.#items.filter((item) => item !== undefined);
    if (this.#size < SMALL) {
      this.#slots = undefined;
      return;
    }
    const slots = new Uint32Array(slotsFor(this.#size));
    for (const [place, item] of this.#items.entries()) fillSlot(slots, item?.name ?? "", place + 1);
    this.#slots = slots;
  }
}

/** A power of two, with room for half as many again. */
function slotsFor(size: number): number {
  return 2 ** Math.ceil(Math.log2(size * 1.5 * SLOTS_PER_PLACE));
}

function fillSlot(slots: Uint32Array, name: string, value: number): void {
  const mask = slots.length - 1;
  let slot = hashOf(name) & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = value;
}

/** FNV-1a over the UTF-16 units, its high bits folded into the low ones that the mask keeps. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return hash ^ (hash >>> 15);
}
