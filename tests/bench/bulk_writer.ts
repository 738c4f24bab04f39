/** Creates thousands of objects through a process of its own (bulk_client.ts). */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BulkOrder, BulkResult } from "./bulk_protocol.ts";
import { type BenchCluster, FILLER } from "./cluster.ts";
import { LineProcess } from "./line_process.ts";

const CONNECTIONS = 50;

export class BulkWriter {
  readonly #cluster: BenchCluster;
  readonly #client = new LineProcess(new URL("bulk_client.ts", import.meta.url).pathname);

  constructor(cluster: BenchCluster) {
    this.#cluster = cluster;
  }

  /** Creates objects in one collection; the seconds that it took. */
  async create(path: string, objects: readonly unknown[]): Promise<number> {
    const { controlPlane } = this.#cluster;
    const bodiesFile = join(controlPlane.dir, "bulk.json");
    writeFileSync(bodiesFile, JSON.stringify(objects.map((object) => JSON.stringify(object))));
    const { url, caPem } = controlPlane;
    const token = controlPlane.tokenOf(FILLER);
    const order: BulkOrder = { url: url + path, token, caPem, bodiesFile, connections: CONNECTIONS };
    const { seconds, problem } = await this.#client.ask<BulkResult>(order);
    rmSync(bodiesFile);
    if (problem !== undefined) throw new Error(`create ${path}: ${problem}`);
    return seconds;
  }

  /** Ends the process. */
  stop(): Promise<void> {
    return this.#client.stop();
  }
}
