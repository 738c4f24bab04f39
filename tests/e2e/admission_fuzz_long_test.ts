/**
 * 200,000 requests of any kind at the webhooks of a process of their own, over TLS: each gets a valid answer or a 4xx within a
 * second, nothing is logged as an error, and memory does not grow. Bytes that are no HTTP come among them.
 */
import { afterAll, expect, test } from "bun:test";
import { connect } from "node:tls";
import { fuzzProblem, fuzzRequest } from "../../src/admission/test_fuzz.ts";
import type { Random } from "../../src/base/random.ts";
import { residentMb } from "../bench/process_usage.ts";
import { below, seeded } from "./seeded.ts";

const REQUESTS = 200_000;
const CLIENTS = 8;
/** The first ones load and compile what the process needs. */
const WARM_UP = 20_000;
const MOST_GROWTH_MB = 20;
/** The promise is a second; this machine's other work comes on top. */
const SLOWEST_MS = 1_000;
/** How slow other processes may make one of ten thousand. */
const MOST_SLOW_SHARE = 0.0001;
const NOISE_EVERY = 500;
const SETTLE_MS = 10_000;

interface Target {
  readonly port: number;
  readonly caPem: string;
}

const SERVER = new URL("admission_server.ts", import.meta.url).pathname;
const server = Bun.spawn([process.execPath, SERVER], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
const errors = new Response(server.stderr).text();
afterAll(() => void server.kill());

test("200,000 odd requests: each is answered in time, none is an error, memory does not grow", async () => {
  const random = seeded("long admission fuzz");
  const target = await readTarget(server.stdout);
  const slow: number[] = [];
  const problems: string[] = [];
  const run = async (requests: number) => {
    let left = requests;
    const client = async () => {
      for (; left > 0 && problems.length === 0; left--) {
        if (left % NOISE_EVERY === 0) await sendNoise(target, random);
        const tookMs = await sendOne(target, random, problems);
        if (tookMs > SLOWEST_MS) slow.push(tookMs);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await Bun.sleep(SETTLE_MS);
  };
  await run(WARM_UP);
  const before = residentMb(server.pid);
  await run(REQUESTS - WARM_UP);
  const growth = residentMb(server.pid) - before;
  console.log(`memory: ${before.toFixed(0)} MB, then ${growth.toFixed(1)} MB more; slow: ${JSON.stringify(slow)}`);
  expect(problems).toEqual([]);
  expect(slow.length).toBeLessThanOrEqual(REQUESTS * MOST_SLOW_SHARE);
  expect(growth).toBeLessThanOrEqual(MOST_GROWTH_MB);
  await server.stdin.end();
  expect(await server.exited).toBe(0);
  expect(await errors).toBe("");
}, 20 * 60_000);

async function readTarget(output: ReadableStream<Uint8Array>): Promise<Target> {
  for await (const chunk of output) return JSON.parse(new TextDecoder().decode(chunk)) as Target;
  throw new Error(`start the webhooks: the process ended: ${await errors}`);
}

async function sendOne({ port, caPem }: Target, random: Random, problems: string[]): Promise<number> {
  const request = fuzzRequest(random);
  const { path, method, contentType, body } = request;
  const startedAt = performance.now();
  const answer = await fetch(`https://127.0.0.1:${port}${path}`, {
    method,
    body,
    headers: { "content-type": contentType },
    tls: { ca: caPem },
  });
  const problem = await fuzzProblem(request, answer);
  if (problem !== undefined) problems.push(`${problem}: ${method} ${path} ${new TextDecoder().decode(body)}`);
  return performance.now() - startedAt;
}

/** Bytes that are no HTTP, or half of it; whatever comes back, the connection ends. */
function sendNoise({ port, caPem }: Target, random: Random): Promise<void> {
  const starts = [
    "",
    "POST / HTTP/1.1\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\n",
  ];
  const noise = Uint8Array.from({ length: below(random, 2_000) }, () => below(random, 256));
  const start = starts[below(random, starts.length)] ?? "";
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, ca: caPem }, () => {
      socket.write(start);
      socket.end(noise);
    });
    socket.on("data", () => undefined);
    socket.on("error", () => undefined); // "close" follows
    socket.on("close", () => resolve());
  });
}
