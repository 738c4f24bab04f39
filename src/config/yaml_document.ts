/** Reads YAML strictly. Loaded only with a configuration file: the library costs megabytes. */
import { messageOf } from "../base/message_of.ts";
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, Scalar } from "yaml";
import { fieldPath } from "./field_path.ts";

export interface YamlProblem {
  /** `line:column`, from 1. */
  readonly position: string;
  readonly text: string;
}

export interface YamlDocument {
  /** What the document says, as JSON would. */
  readonly value: unknown;
  /** `line:column` of each field, by its path. */
  readonly positions: Readonly<Record<string, string>>;
  readonly problems: readonly YamlProblem[];
}

/** The words of YAML 1.1 that Go's reader still takes for true and false where they stand without quotes. */
const YES = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/;
const NO = /^(?:n|N|no|No|NO|off|Off|OFF)$/;
/** No configuration is deeper; the path of each place of a deep nest would take megabytes. */
const MAX_DEPTH = 100;
/** Keys that would be lost in a JavaScript object. */
const LOST = ["__proto__", "prototype", "constructor"];
const OWN_WORDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "a second document begins: only one can be read",
};

/** A key given twice, a tag, a second document and everything that is no YAML is a problem. */
export function readYaml(text: string): YamlDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: "error" });
  const places = new Places(lines);
  places.visit(document.contents, []);
  const problems = [...places.problems, ...syntaxProblems(document, places)];
  const positions = Object.fromEntries(places.positions);
  if (problems.length > 0) return { value: undefined, positions, problems };
  try {
    return { value: document.toJS(), positions, problems };
  } catch (cause) {
    // An alias without its anchor, or aliases that would grow without end.
    const found = messageOf(cause);
    return { value: undefined, positions, problems: [{ position: "1:1", text: found }] };
  }
}

/** Duplicate keys one by one; of other mistakes the first alone, as the rest follow from it. */
function syntaxProblems({ errors, warnings }: Document, places: Places): readonly YamlProblem[] {
  const found = [...errors, ...warnings];
  const isTwice = (problem: { readonly code: string }) => problem.code === "DUPLICATE_KEY";
  const twice = found.filter(isTwice).map(({ pos: [offset] }) => ({
    position: places.at(offset),
    text: `${places.pathAt(offset)}: given twice`,
  }));
  const other = found.find((problem) => !isTwice(problem));
  if (other === undefined) return twice;
  const words = OWN_WORDS[other.code] ?? other.message.replace(/ at line \d+, column \d+:[\s\S]*$/, "");
  return [{ position: places.at(other.pos[0]), text: words }, ...twice];
}

/** Where each key stands. */
class Places {
  readonly positions = new Map<string, string>();
  readonly problems: YamlProblem[] = [];
  readonly #paths = new Map<number, string>();
  readonly #lines: LineCounter;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${line}:${col}`;
  }

  pathAt(offset: number): string {
    return this.#paths.get(offset) ?? "a key";
  }

  visit(node: unknown, keys: readonly (string | number)[]): void {
    if (keys.length > MAX_DEPTH) {
      const position = isNode(node) && node.range ? this.at(node.range[0]) : "1:1";
      this.problems.push({ position, text: `nested more than ${MAX_DEPTH} deep` });
    } else if (isMap(node)) {
      for (const { key, value } of node.items) this.#visitPair(key, value, keys);
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        this.#note(item, [...keys, index]);
        this.visit(item, [...keys, index]);
      }
    } else if (isScalar(node)) {
      readBoolean(node);
    }
  }

  #visitPair(key: unknown, value: unknown, keys: readonly (string | number)[]): void {
    if (!isScalar(key)) {
      const position = isNode(key) && key.range ? this.at(key.range[0]) : "1:1";
      this.problems.push({ position, text: `${fieldPath(keys) || "the file"}: a key that is no word` });
      return;
    }
    const path = [...keys, String(key.value)];
    this.#note(key, path);
    if (LOST.includes(String(key.value))) {
      this.problems.push({ position: this.at(key.range?.[0] ?? 0), text: `${fieldPath(path)}: unknown field` });
    }
    this.visit(value, path);
  }

  #note(node: unknown, path: readonly (string | number)[]): void {
    if (!isNode(node) || !node.range) return;
    const [offset] = node.range;
    this.positions.set(fieldPath(path), this.at(offset));
    this.#paths.set(offset, fieldPath(path));
  }
}

function readBoolean(node: Scalar): void {
  if (node.type !== Scalar.PLAIN || typeof node.value !== "string") return;
  if (YES.test(node.value)) node.value = true;
  else if (NO.test(node.value)) node.value = false;
}
