/**
 * A bare client that creates many objects at once: a process of its own, with the same fetch and TLS as the controller, no retries
 * and no parsing. It reads orders as lines of JSON and answers each with one line; it ends with its input.
 */
import { readFileSync } from "node:fs";
import type { BulkOrder, BulkResult } from "./bulk_protocol.ts";

const sessions = new Map<string, Bun.FetchSession>();

async function run({ url, caPem, token, bodiesFile, connections }: BulkOrder): Promise<BulkResult> {
  const bodies = JSON.parse(readFileSync(bodiesFile, "utf8")) as readonly string[];
  const session = sessions.get(caPem) ??
    new Bun.FetchSession({ keepAlive: { idleTimeout: 60 }, proxy: false, tls: { ca: caPem } });
  sessions.set(caPem, session);
  const headers = {
    "Accept": "application/json",
    "Authorization": `Bearer ${token}`,
    "Content-Type": "application/json",
  };
  let next = 0;
  let problem: string | undefined;
  const connection = async () => {
    for (let body = bodies[next++]; body !== undefined && problem === undefined; body = bodies[next++]) {
      const response = await session.fetch(url, { method: "POST", headers, body, timeout: false });
      const text = await response.text();
      if (response.status !== 201) problem = `${response.status} ${text.slice(0, 500)}`;
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, connection));
  const seconds = (performance.now() - startedAt) / 1000;
  return problem === undefined ? { seconds } : { seconds, problem };
}

for await (const line of console) {
  if (line !== "") console.log(JSON.stringify(await run(JSON.parse(line) as BulkOrder)));
}
