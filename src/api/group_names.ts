/**
 * A pattern of RE2 whose groups have lost their names, which say nothing of what it matches. Go lets two groups have one name,
 * re2js does not: a rule that means something to every other client of the API must not be refused, or match nothing, for that.
 */
export function withoutGroupNames(pattern: string): string {
  return pattern.replace(TOKEN, (token, name: string | undefined) => name === undefined ? token : "(");
}

/** A quoted literal, an escape and a class, in which nothing is a group; or the start of a group with a name. */
const TOKEN = new RegExp(
  [
    String.raw`\\Q[^]*?(?:\\E|$)`,
    String.raw`\\[^]`,
    String.raw`\[\^?\]?(?:\\[^]|\[:\^?\w{1,16}:\]|[^\]\\])*(?:\]|\\?$)`,
    String.raw`\(\?P?<(\w+)>`,
  ].join("|"),
  "g",
);
