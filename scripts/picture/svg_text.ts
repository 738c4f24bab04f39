/** What all pictures write into their SVG. Pure. */

/** A tenth of a pixel is more than enough, and makes short files. */
export function roundPixel(value: number): number {
  return Math.round(value * 10) / 10;
}

export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
