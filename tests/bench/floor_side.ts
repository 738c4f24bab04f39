/** The floor as the bench drives it: bodies of the controller's own factory, under other names (floor_client.ts). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { asObject, type JsonObject } from "../../src/base/json.ts";
import { readJobSet } from "../../src/api/job_set.ts";
import { JOBSET_NAME } from "../../src/api/keys.ts";
import { createOf, jobFactory } from "../../src/plan/job_factory.ts";
import { nothingKnown } from "../../src/plan/nothing_known.ts";
import { type BenchCluster, FLOOR, JOBS, JOBSETS, removeJobSet } from "./cluster.ts";
import type { FloorOrder } from "./floor_protocol.ts";
import { benchJobSet } from "./job_set.ts";
import { finishPhase, type Phase, type Run, runPhase, type Side } from "./side.ts";

const CLIENT = new URL("floor_client.ts", import.meta.url).pathname;

type FloorProcess = Bun.Subprocess<"pipe", "pipe", "inherit">;

export async function startFloor(cluster: BenchCluster, namespace: string): Promise<FloorSide> {
  const process = Bun.spawn([globalThis.process.execPath, CLIENT], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const floor = new FloorSide(cluster, { namespace, process });
  await floor.connect();
  return floor;
}

export class FloorSide implements Side {
  readonly #cluster: BenchCluster;
  readonly #namespace: string;
  readonly #process: FloorProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(cluster: BenchCluster, { namespace, process }: { namespace: string; process: FloorProcess }) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#process = process;
    this.#answers = linesOf(process.stdout);
  }

  async connect(): Promise<void> {
    const { controlPlane } = this.#cluster;
    await this.#order({
      kind: "settings",
      settings: {
        url: controlPlane.url,
        caPem: controlPlane.caPem,
        token: await controlPlane.serviceAccountToken(FLOOR.namespace, FLOOR.name),
        jobsPath: `${JOBS}/namespaces/${this.#namespace}/jobs`,
      },
    });
  }

  /** The Jobs belong to a JobSet that nobody reconciles, so that the garbage collector leaves them alone. */
  async create(run: Run): Promise<Phase> {
    const { name, jobs } = run;
    const owner = benchJobSet({ namespace: this.#namespace, name, replicas: jobs, managedBy: "bench.example/floor" });
    const stored = await this.#cluster.api.create(`${JOBSETS}/namespaces/${this.#namespace}/jobsets`, owner);
    return await this.#phase(jobs, { kind: "create", bodiesFile: this.#writeBodies(run, stored) });
  }

  async restart(run: Run): Promise<Phase> {
    const stored = await this.#cluster.api.get(`${JOBSETS}/namespaces/${this.#namespace}/jobsets/${run.name}`);
    const restarted = { ...stored, status: { restarts: 1 } };
    return await this.#phase(run.jobs, {
      kind: "restart",
      bodiesFile: this.#writeBodies(run, restarted),
      labelSelector: `${JOBSET_NAME}=${run.name}`,
    });
  }

  remove({ name }: Run): Promise<void> {
    return removeJobSet(this.#cluster.api, this.#namespace, name);
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    await this.#process.stdin.end();
    await this.#process.exited;
  }

  #phase(jobs: number, order: FloorOrder): Promise<Phase> {
    const { audit } = this.#cluster;
    const mark = audit.mark();
    return runPhase(this.#process.pid, async () => {
      const [timing] = await Promise.all([finishPhase(audit, { mark, user: FLOOR.user, jobs }), this.#order(order)]);
      return timing;
    });
  }

  #writeBodies({ name, jobs }: Run, stored: JsonObject): string {
    const jobSet = readJobSet(stored);
    if (jobSet === undefined) throw new Error(`read JobSet "${name}": it has no name or uid`);
    // As the controller sees a cluster without PriorityClasses of its own: both send the same bytes.
    const priorities = { byClass: new Map<string, number>(), globalDefault: 0 };
    const build = jobFactory(jobSet, { ...nothingKnown(), priorities });
    const bodies = Array.from({ length: jobs }, (_, index) => asObject(build(createOf(jobSet, 0, index))));
    const file = join(this.#cluster.controlPlane.dir, `${name}-bodies.json`);
    writeFileSync(file, JSON.stringify(bodies));
    return file;
  }

  async #order(order: FloorOrder): Promise<void> {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    await this.#process.stdin.flush();
    const answer = await this.#answers.next();
    if (answer.done) throw new Error("run the floor: its process ended");
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
