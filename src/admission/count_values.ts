const QUOTE = '"';
const BACKSLASH = 0x5c;
/** What stands before a value: a comma, or the bracket that its list or object begins with. */
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;
const COLON = 0x3a;
/** What an object or a list takes, and a field's name, compared with a number. */
const BRACKET_WEIGHT = 4;
const NAME_WEIGHT = 3;

/**
 * About how many values a JSON text has, by the commas, colons and opening brackets outside of strings; an object or a list counts
 * as four more, a field's name as three. Sixteen megabytes of `{},` would be read into a gigabyte, so this is asked first. A text
 * that is no JSON has some count too.
 */
export function countValues(text: string): number {
  let count = 0;
  let from = 0;
  while (from < text.length) {
    const quote = text.indexOf(QUOTE, from);
    const end = quote === -1 ? text.length : quote;
    for (let at = from; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === COMMA) count += 1;
      else if (code === BRACKET || code === BRACE) count += BRACKET_WEIGHT;
      else if (code === COLON) count += NAME_WEIGHT;
    }
    from = quote === -1 ? text.length : stringEnd(text, quote + 1);
  }
  return count;
}

/** The place after the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  let at = from;
  for (;;) {
    const quote = text.indexOf(QUOTE, at);
    if (quote === -1) return text.length;
    if (!isEscaped(text, { at: quote, from })) return quote + 1;
    at = quote + 1;
  }
}

function isEscaped(text: string, { at, from }: { readonly at: number; readonly from: number }): boolean {
  let first = at;
  while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}
