/** One contract for two API servers: the real one, and the simulated one, which earns its trust here. */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { Api, type Contract } from "./api_contract.ts";
import { type ContractServer, realServer, simulatedServer } from "./api_contract_servers.ts";
import { deletionContract } from "./api_contract_deletion.ts";
import { jobSetsContract } from "./api_contract_job_sets.ts";
import { jobsContract } from "./api_contract_jobs.ts";
import { readsContract } from "./api_contract_reads.ts";
import { writesContract } from "./api_contract_writes.ts";

const SERVERS = [
  ["the real API server", realServer],
  ["the simulated API server", () => Promise.resolve(simulatedServer())],
] as const;

const SUITES = [writesContract, jobsContract, jobSetsContract, deletionContract, readsContract];

for (const [name, start] of SERVERS) {
  describe(name, () => {
    let server: ContractServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.close());
    const contract: Contract = (promise, check) => test(promise, async () => await check(new Api(await server.open())));
    for (const suite of SUITES) suite(contract);
  });
}
