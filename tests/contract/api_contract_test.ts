/** One contract for two API servers: the real one, and the simulated one, which earns its trust here. */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { Api, type Contract, type ContractServer } from "./api_contract.ts";
import { API_CONTRACT } from "./api_contract_suites.ts";
import { realServer } from "./real_server.ts";
import { simulatedServer } from "./simulated_server.ts";

const SERVERS = [
  ["the real API server", realServer],
  ["the simulated API server", () => Promise.resolve(simulatedServer())],
] as const;

for (const [name, start] of SERVERS) {
  describe(name, () => {
    let server: ContractServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.close());
    const contract: Contract = (promise, check) => test(promise, async () => await check(new Api(await server.open())));
    for (const suite of API_CONTRACT) suite(contract);
  });
}
