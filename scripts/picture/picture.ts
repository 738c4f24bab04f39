/** What a picture shows: rows of bars over time. Times are milliseconds since the picture's zero. */

/** How a bar is drawn. `first`, `second` and `third` tell three places apart. */
export type Tone = "waiting" | "starting" | "running" | "ending" | "first" | "second" | "third";

export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly tone: Tone;
  /** Drawn where the bar has room for it. */
  readonly text?: string;
}

/** failure: a cross; lifted: a triangle; deleted: a vertical stroke. */
export type MarkKind = "failure" | "lifted" | "deleted";

export interface Mark {
  readonly atMs: number;
  readonly kind: MarkKind;
}

export interface Row {
  readonly label: string;
  readonly bars: readonly Bar[];
  readonly marks: readonly Mark[];
}

/** Something that concerns all rows: a line through them with words above. */
export interface Moment {
  readonly atMs: number;
  readonly text: string;
}

export interface Panel {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly moments: readonly Moment[];
}

export interface Picture {
  /** For those who do not see the picture, and for search. */
  readonly title: string;
  readonly description: string;
  /** All on one time axis, one below the other. */
  readonly panels: readonly Panel[];
  readonly legend: readonly LegendEntry[];
  /** Where the axis ends. */
  readonly durationMs: number;
}

export type LegendEntry =
  | { readonly tone: Tone; readonly text: string }
  | { readonly mark: MarkKind; readonly text: string };
