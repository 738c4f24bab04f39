/** For tests: the part of an API server that an agent talks to, and agents as processes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "../base/json.ts";
import { makeTestCertificate } from "../client/test_certificates.ts";

const MAIN = join(import.meta.dir, "..", "main.ts");
const DEADLINE_MS = 10_000;

export const JOBSET = "js";
export const POD = "js-workers-0-0-abcde";
export const NAMESPACE = "team-a";

export interface Patch {
  readonly path: string;
  readonly query: string;
  readonly contentType: string | null;
  readonly body: unknown;
}

interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function makeCertificates(): Certificates {
  const ca = makeTestCertificate({ commonName: "ca" });
  const leaf = makeTestCertificate({ commonName: "api", ipAddresses: ["127.0.0.1"], issuer: ca });
  return { ca: ca.certPem, cert: leaf.certPem, key: leaf.keyPem };
}

/** One JobSet of strategy InPlaceRestart, and whatever answers a test wants. */
export class FakeApi {
  readonly patches: Patch[] = [];
  readonly watches: string[] = [];
  readonly agents = new Set<string | null>();
  readonly port: number;
  /** The codes that watches and patches are refused with; undefined: they succeed. */
  watchCode: number | undefined;
  patchCode: number | undefined;
  readonly #certificates: Certificates;
  readonly #streams = new Set<ReadableStreamDefaultController<string>>();
  #server: Bun.Server<undefined>;
  #jobSet: JsonObject | undefined = { spec: { failurePolicy: { restartStrategy: "InPlaceRestart" } } };
  #version = 100;

  constructor(certificates: Certificates) {
    this.#certificates = certificates;
    this.#server = this.#serve(0);
    this.port = this.#server.port ?? 0;
  }

  /** The attempt that was written last. */
  get attempt(): string | undefined {
    const [, attempt] = /"jobset.sigs.k8s.io\/in-place-restart-attempt":"(\d+)"/.exec(
      JSON.stringify(this.patches.at(-1)?.body) ?? "",
    ) ?? [];
    return attempt;
  }

  setStatus(previous: number | undefined, current: number | undefined): void {
    const status = { previousInPlaceRestartAttempt: previous, currentInPlaceRestartAttempt: current };
    this.#jobSet = { ...this.#jobSet, status };
    this.#send("MODIFIED");
  }

  setAnnotations(annotations: JsonObject): void {
    this.#jobSet = { ...this.#jobSet, metadata: { annotations } };
    this.#send("MODIFIED");
  }

  /** Nobody listens any more; open watches break. */
  async goAway(): Promise<void> {
    this.#streams.clear();
    await this.#server.stop(true);
  }

  comeBack(): void {
    this.#server = this.#serve(this.port);
  }

  #serve(port: number): Bun.Server<undefined> {
    const { cert, key } = this.#certificates;
    return Bun.serve({
      port,
      hostname: "127.0.0.1",
      tls: { cert, key },
      idleTimeout: 0,
      fetch: (request) => this.#answer(request),
    });
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.agents.add(request.headers.get("user-agent"));
    if (request.method === "PATCH") {
      this.patches.push({
        path: url.pathname,
        query: url.search,
        contentType: request.headers.get("content-type"),
        body: await request.json(),
      });
      return this.patchCode === undefined ? Response.json({}) : refusal(this.patchCode, "patch");
    }
    this.watches.push(`${url.pathname}${url.search}`);
    if (this.watchCode !== undefined) return refusal(this.watchCode, "watch");
    const isFresh = url.searchParams.has("sendInitialEvents");
    return new Response(
      new ReadableStream<string>({
        start: (controller) => {
          this.#streams.add(controller);
          if (isFresh) this.#sendInitial(controller);
        },
        cancel: () => {},
      }),
    );
  }

  #sendInitial(controller: ReadableStreamDefaultController<string>): void {
    if (this.#jobSet !== undefined) controller.enqueue(this.#line("ADDED"));
    const annotations = { "k8s.io/initial-events-end": "true" };
    const object = { metadata: { resourceVersion: String(this.#version), annotations } };
    controller.enqueue(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  }

  #send(type: string): void {
    const line = this.#line(type);
    for (const stream of [...this.#streams]) {
      try {
        stream.enqueue(line);
      } catch {
        this.#streams.delete(stream); // its reader has gone
      }
    }
  }

  #line(type: string): string {
    this.#version += 1;
    const own = { name: JOBSET, namespace: NAMESPACE, uid: "u", resourceVersion: String(this.#version) };
    const metadata = { ...Object(this.#jobSet?.["metadata"]), ...own };
    const object = { apiVersion: "jobset.x-k8s.io/v1alpha2", kind: "JobSet", ...this.#jobSet, metadata };
    return `${JSON.stringify({ type, object })}\n`;
  }
}

function refusal(code: number, verb: string): Response {
  const reason = code === 403 ? "Forbidden" : "InternalError";
  return Response.json({ kind: "Status", code, reason, message: `user cannot ${verb} it` }, { status: code });
}

/** `jobset agent` from source, as a process. */
export class AgentProcess {
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #stdout: Promise<string>;
  #stderr = "";

  constructor(env: Readonly<Record<string, string>>, argv0?: string) {
    const args = argv0 === undefined ? ["agent"] : [];
    this.#child = Bun.spawn([process.execPath, MAIN, ...args], {
      env: { PATH: process.env["PATH"] ?? "", ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      ...(argv0 === undefined ? {} : { argv0 }),
    });
    this.#stdout = new Response(this.#child.stdout).text();
    void this.#readErrors();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get exitCode(): Promise<number> {
    return this.#child.exited;
  }

  /** What it, or its worker, wrote to stderr so far. */
  get errors(): string {
    return this.#stderr;
  }

  /** What its worker wrote to stdout; resolves once it has ended. */
  get output(): Promise<string> {
    return this.#stdout;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) this.#stderr += decoder.decode(chunk, { stream: true });
  }
}

/** A place for the processes of one test. */
export class AgentWorld {
  readonly folder = mkdtempSync(join(tmpdir(), "agent-test-"));
  readonly api: FakeApi;
  readonly #agents: AgentProcess[] = [];

  constructor(certificates: Certificates) {
    this.api = new FakeApi(certificates);
    const account = join(this.folder, "account");
    mkdirSync(account);
    writeFileSync(join(account, "token"), "secret");
    writeFileSync(join(account, "namespace"), NAMESPACE);
    writeFileSync(join(account, "ca.crt"), certificates.ca);
  }

  start(env: Readonly<Record<string, string>>, argv0?: string): AgentProcess {
    const agent = new AgentProcess({
      JOBSET_NAME: JOBSET,
      POD_NAME: POD,
      JOBSET_SERVICE_ACCOUNT_DIR: join(this.folder, "account"),
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(this.api.port),
      ...env,
    }, argv0);
    this.#agents.push(agent);
    return agent;
  }

  /** Waits until the condition holds; what the agents said is told where it does not. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = performance.now() + DEADLINE_MS;
    while (!await holds()) {
      if (performance.now() > endMs) {
        throw new Error(`wait until ${what}:\n${this.#agents.map((agent) => agent.errors).join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async remove(): Promise<void> {
    for (const agent of this.#agents) agent.kill("SIGKILL");
    await Promise.all(this.#agents.map((agent) => agent.exitCode));
    await this.api.goAway();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a process of this id runs; one that is a zombie does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = Bun.file(`/proc/${pid}/stat`);
  return await stat.exists() && !/\) Z /.test(await stat.text().catch(() => ") Z "));
}
