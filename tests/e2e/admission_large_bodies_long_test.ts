/** Bodies just below 16 MiB that are made to be slow or to take memory: each is answered within a second. */
import { afterAll, expect, test } from "bun:test";
import { MUTATE_PATH, VALIDATE_PATH } from "../../src/admission/routes.ts";
import { admissionReview } from "../../src/admission/test_reviews.ts";
import { residentMb } from "../bench/process_usage.ts";

const BYTES = 15 * 1024 * 1024;
const MOST_MS = 1_000;
/** Another process may take the machine for a moment. */
const TRIES = 3;
const MOST_MB = 400;

const SERVER = new URL("admission_server.ts", import.meta.url).pathname;
const server = Bun.spawn([process.execPath, SERVER], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
afterAll(() => void server.kill());

function repeated(item: string, bytes = BYTES): string {
  return Array(Math.floor(bytes / (item.length + 1))).fill(item).join(",");
}

function jobSet(spec: string, name = "x"): string {
  return `{"metadata":{"name":"${name}"},"spec":{${spec}}}`;
}

const NAMED = '"replicatedJobs":[{"name":"a"}]';
const RULE = '{"name":"r","action":"RestartJob","onJobFailureReasons":["x"],"onJobFailureMessagePatterns":["(a+)+$["]}';
const CLAIMS = '{"templates":[{"metadata":{"name":"d"}}]}';
const CONTAINER = '{"name":"a","template":{"spec":{"template":{"spec":{"containers":[{"name":"x"}]}}}}}';

const CREATES: Readonly<Record<string, string>> = {
  "empty replicatedJobs": jobSet(`"replicatedJobs":[${repeated("{}")}]`),
  "a large replicatedJob name": jobSet(`"replicatedJobs":[{"name":"${"A-".repeat(BYTES / 2)}","groupName":"x"}]`),
  "a large name": jobSet(`"replicatedJobs":[{"name":"b"},{"name":"c"}],"managedBy":"q"`, "a".repeat(BYTES)),
  "a large subdomain": jobSet(`"network":{"subdomain":"${"a-".repeat(BYTES / 2)}"}`),
  "a large managedBy": jobSet(`"managedBy":"a/${"%41".repeat(BYTES / 3)}"`),
  "a large pattern": jobSet(
    `${NAMED},"failurePolicy":{"rules":[${RULE.replace("(a+)+", "(a|b)*".repeat(BYTES / 6))}]}`,
  ),
  "many patterns": jobSet(`${NAMED},"failurePolicy":{"rules":[${repeated(RULE, 3_000_000)}]}`),
  "many claims": jobSet(`${NAMED},"volumeClaimPolicies":[${repeated(CLAIMS, 3_000_000)}]`),
  "many targets": jobSet(`${NAMED},"successPolicy":{"targetReplicatedJobs":[${repeated('"q"', 2_000_000)}]}`),
  "a large depth": jobSet(`"replicatedJobs":[{"template":${'{"a":'.repeat(BYTES / 6)}1${"}".repeat(BYTES / 6)}}]`),
  "a smaller depth": jobSet(`"replicatedJobs":[{"template":${'{"a":'.repeat(500_000)}1${"}".repeat(500_000)}}]`),
};

const UPDATES: Readonly<Record<string, readonly [string, string]>> = {
  "other names": [repeated('{"name":"a"}', 1_500_000), repeated('{"name":"b"}', 1_500_000)],
  "other containers": [repeated(CONTAINER, 3_000_000), repeated(CONTAINER.replace('"x"', '"y"'), 3_000_000)],
  "nothing in them": [repeated("{}", 500_000), repeated("{}", 500_000)],
  "no objects": [repeated("1", 400_000), repeated("2", 400_000)],
};

test("large bodies are answered within a second, and do not take the memory of the machine", async () => {
  const target = await readTarget();
  const late: string[] = [];
  const check = async (what: string, path: string, body: string) => {
    const tookMs = await fastest(target, path, body);
    if (tookMs > MOST_MS) late.push(`${what}: ${tookMs.toFixed(0)} ms`);
  };
  for (const [what, object] of Object.entries(CREATES)) {
    const body = review("CREATE", object, "null");
    await check(`defaults, ${what}`, MUTATE_PATH, body);
    await check(`create, ${what}`, VALIDATE_PATH, body);
  }
  for (const [what, [after, before]] of Object.entries(UPDATES)) {
    const [object, oldObject] = [after, before].map((jobs) => jobSet(`"suspend":true,"replicatedJobs":[${jobs}]`));
    await check(`update, ${what}`, VALIDATE_PATH, review("UPDATE", object ?? "", oldObject ?? ""));
  }
  expect(late).toEqual([]);
  expect(residentMb(server.pid)).toBeLessThan(MOST_MB);
}, 300_000);

function review(operation: string, object: string, oldObject: string): string {
  return JSON.stringify(admissionReview({ operation }))
    .replace('"object":null', () => `"object":${object}`)
    .replace('"oldObject":null', () => `"oldObject":${oldObject}`);
}

async function readTarget(): Promise<{ readonly port: number; readonly caPem: string }> {
  for await (const chunk of server.stdout) return JSON.parse(new TextDecoder().decode(chunk));
  throw new Error("start the webhooks: the process ended");
}

async function fastest(
  { port, caPem }: { readonly port: number; readonly caPem: string },
  path: string,
  body: string,
): Promise<number> {
  let bestMs = Infinity;
  for (let n = 0; n < TRIES && bestMs > MOST_MS; n++) {
    const startedAt = performance.now();
    const answer = await fetch(`https://127.0.0.1:${port}${path}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
      tls: { ca: caPem },
    });
    await answer.text();
    expect([200, 400, 413]).toContain(answer.status);
    bestMs = Math.min(bestMs, performance.now() - startedAt);
  }
  return bestMs;
}
