/**
 * Whoever asks the webhooks, or the API server before them: a process of its own, so that its work is not measured with theirs.
 * It reads orders as lines of JSON and answers each with one line; it ends with its input.
 */
import type { Load, Measured } from "./admission_protocol.ts";
import { median, percentile } from "./statistics.ts";

/** One for each server, as an API server keeps its connections: memory is not to be that of hundreds of them. */
const sessions = new Map<string, Bun.FetchSession>();

function sessionFor(caPem: string): Bun.FetchSession {
  let session = sessions.get(caPem);
  session ??= new Bun.FetchSession({ keepAlive: { idleTimeout: 60 }, proxy: false, tls: { ca: caPem } });
  sessions.set(caPem, session);
  return session;
}

async function run({ url, caPem, token, body, expected, connections, requests }: Load): Promise<Measured> {
  const session = sessionFor(caPem);
  const headers = {
    "Content-Type": "application/json",
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  };
  const times: number[] = [];
  let failure: string | undefined;
  let started = 0;
  const connection = async () => {
    while (started < requests && failure === undefined) {
      started += 1;
      const startedAt = performance.now();
      const response = await session.fetch(url, { method: "POST", headers, body, timeout: false });
      const text = await response.text();
      times.push(performance.now() - startedAt);
      if (!text.includes(expected)) failure = `${response.status} ${text.slice(0, 500)}`;
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, connection));
  if (failure !== undefined) throw new Error(`load: POST ${url}: ${failure}`);
  const seconds = (performance.now() - startedAt) / 1000;
  return { p50Ms: median(times), p99Ms: percentile(times, 0.99), perSecond: requests / seconds };
}

for await (const line of console) {
  if (line !== "") console.log(JSON.stringify(await run(JSON.parse(line) as Load)));
}
