/**
 * What a pattern of RE2 costs to compile, in characters once its repetitions are written out: `(ab{10}){3}` is 3 × 11 or so. A Unicode
 * class or a range beyond ASCII counts as many, for either can take a millisecond: without regard to case, each character is
 * looked up. Good for any text, also one that does not compile.
 */
export function patternCost(pattern: string): number {
  const open: number[] = [];
  let sum = 0;
  let last = 0;
  for (const [token] of pattern.matchAll(TOKEN)) {
    const repeat = /^\{(\d+)(?:,(\d*))?\}$/.exec(token);
    if (repeat !== null) {
      const times = Math.max(Number(repeat[1]), Number(repeat[2] ?? 0), 1);
      sum += last * (times - 1);
      last *= times;
    } else if (token === "(") {
      open.push(sum);
      sum = 1;
      last = 0;
    } else if (token === ")" && open.length > 0) {
      last = sum + 1;
      sum = (open.pop() ?? 0) + last;
    } else {
      last = token.length + COSTLY_COST * (token.match(COSTLY)?.length ?? 0);
      sum += last;
    }
  }
  return open.reduce((total, part) => total + part, sum);
}

/** A quoted literal, an escape, a class, a repetition, or one character; what does not end goes to the end of the text at once. */
const TOKEN = new RegExp(
  [
    String.raw`\\Q[^]*?(?:\\E|$)`,
    String.raw`\\[pP]\{[^}]{0,64}\}`,
    String.raw`\\[pP][^]`,
    String.raw`\\x\{[^}]{0,16}\}`,
    String.raw`\\[^]`,
    String.raw`\[\^?\]?(?:\\[^]|\[:\^?\w{1,16}:\]|[^\]\\])*(?:\]|\\?$)`,
    String.raw`\{\d+(?:,\d*)?\}`,
    String.raw`[^]`,
  ].join("|"),
  "g",
);
const COSTLY = /\\p|-(?:\\|\P{ASCII})/giu;
const COSTLY_COST = 128;
