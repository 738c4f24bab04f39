/** Where the words above a picture's lines stand: never one over another. Pure. */

export interface Caption {
  /** Where its line is. */
  readonly at: number;
  readonly width: number;
  readonly text: string;
}

export interface PlacedCaption extends Caption {
  /** Where its words begin. */
  readonly start: number;
  /** Whether they end at the line. */
  readonly isLeft: boolean;
  /** 0 is next to the rows. */
  readonly lane: number;
}

const SPACE = 10;

/**
 * Words begin at their line, or end there where the picture ends. A caption whose room is taken goes one lane up. The last come
 * first, so that seldom a line goes through words below its own.
 */
export function placeCaptions(
  captions: readonly Caption[],
  { left, right }: { readonly left: number; readonly right: number },
): readonly PlacedCaption[] {
  const placed: PlacedCaption[] = [];
  for (const caption of captions.toSorted((a, b) => b.at - a.at)) {
    const isLeft = caption.at + caption.width > right && caption.at - caption.width >= left;
    const start = isLeft ? caption.at - caption.width : Math.max(left, Math.min(caption.at, right - caption.width));
    const isFree = (lane: number) =>
      placed.every((other) =>
        other.lane !== lane || start + caption.width + SPACE <= other.start ||
        other.start + other.width + SPACE <= start
      );
    let lane = 0;
    while (!isFree(lane)) lane++;
    placed.push({ ...caption, start, isLeft, lane });
  }
  return placed.toSorted((a, b) => a.at - b.at);
}
