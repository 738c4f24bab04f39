/** The frame, the ground and the style that all pictures have: no scripts, no outside assets. Pure. */
import { escapeText } from "./svg_text.ts";

/** Rules of CSS, and those that take their place where the reader's system is dark. */
export interface Style {
  readonly light: string;
  readonly dark: string;
}

export interface Sheet {
  /** For those who do not see the picture, and for search. */
  readonly title: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
  /** Beside the one that all pictures have. */
  readonly style: Style;
  readonly body: readonly string[];
}

/** Ground, text, faint text, lines that mark, headings: the picture has its own ground, whatever page it stands on. */
const COMMON: Style = {
  light: ".g{fill:#fff;stroke:#d0d7de}.t{fill:#1f2328}.f{fill:#59636e}.m{stroke:#59636e;stroke-dasharray:3 3}" +
    'text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}.h{font-weight:600;font-size:12px}',
  dark: ".g{fill:#0d1117;stroke:#3d444d}.t{fill:#e6edf3}.f{fill:#9198a1}.m{stroke:#9198a1}",
};

export function drawSheet({ title, description, width, height, style, body }: Sheet): string {
  const light = `${COMMON.light}${style.light}`;
  const dark = `@media (prefers-color-scheme:dark){${COMMON.dark}${style.dark}}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `role="img" aria-labelledby="title desc">`,
    `<title id="title">${escapeText(title)}</title>`,
    `<desc id="desc">${escapeText(description)}</desc>`,
    `<style>${light}${dark}</style>`,
    `<rect class="g" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}
