/** Milliseconds in each unit that Go writes; `µ` (micro sign) and `μ` (Greek letter) both occur. */
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** The longest duration that Go holds: 2^63 nanoseconds, about 292 years. */
const MAX_MS = 2 ** 63 / 1e6;

/** Reads a duration as Go writes it (`1m30s`, `1.5h`, `100ms`, `-2s`, `0`) into milliseconds, or undefined. */
export function parseDuration(text: string): number | undefined {
  const isNegative = text.startsWith("-");
  const parts = isNegative || text.startsWith("+") ? text.slice(1) : text;
  if (parts === "0") return 0;
  let ms = 0;
  PART.lastIndex = 0;
  for (let read = 0; read < parts.length || read === 0; read = PART.lastIndex) {
    const [, number, unit] = PART.exec(parts) ?? [];
    if (number === undefined || unit === undefined) return undefined;
    ms += Number(number) * (UNIT_MS[unit] ?? 0);
  }
  if (ms > MAX_MS) return undefined;
  return isNegative ? -ms : ms;
}

/** Writes milliseconds as Go writes a duration: `1h30m0s`, `1.5s`, `100ms`, `0s`. Parts of a microsecond are dropped. */
export function formatDuration(ms: number): string {
  const sign = ms < 0 ? "-" : "";
  const micros = Math.trunc(Math.abs(ms) * 1000);
  if (micros === 0) return "0s";
  if (micros < 1000) return `${sign}${micros}µs`;
  if (micros < 1_000_000) return `${sign}${micros / 1000}ms`;
  const minutes = Math.floor(micros / 60_000_000);
  const seconds = (micros - minutes * 60_000_000) / 1_000_000;
  if (minutes === 0) return `${sign}${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${hours}h${minutes % 60}m${seconds}s`;
}
