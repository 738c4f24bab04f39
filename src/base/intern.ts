/**
 * Keeps one copy of texts that many objects repeat: namespaces, owner keys, label values.
 * Full, it starts over: texts handed out stay valid, only copies may arise.
 */
export class StringPool {
  readonly #texts = new Map<string, string>();
  readonly #maxTexts: number;

  constructor(maxTexts = 50_000) {
    this.#maxTexts = maxTexts;
  }

  intern(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= this.#maxTexts) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }

  get size(): number {
    return this.#texts.size;
  }
}
