/** Mistakes that a hint sees through: letters too many, too few or other ones. */
const MAX_MISTAKES = 2;

/** The candidate that was probably meant, or undefined where none is near. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = MAX_MISTAKES + 1;
  for (const candidate of candidates) {
    const mistakes = distance(word.toLowerCase(), candidate.toLowerCase());
    if (mistakes < fewest && mistakes <= candidate.length / 2) {
      best = candidate;
      fewest = mistakes;
    }
  }
  return best;
}

/** How many letters must be added, dropped or changed; more than enough where the lengths are far apart. */
function distance(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > MAX_MISTAKES) return MAX_MISTAKES + 1;
  let above = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const here = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      const changed = (above[column - 1] ?? 0) + (isSame ? 0 : 1);
      here.push(Math.min(changed, (above[column] ?? 0) + 1, (here[column - 1] ?? 0) + 1));
    }
    above = here;
  }
  return above[right.length] ?? 0;
}
