/** The simulated side of the contract, for the fast gate. Whether the real API server keeps it too: tests/contract. */
import { test } from "bun:test";
import { Api, type Contract } from "../../contract/api_contract.ts";
import { API_CONTRACT } from "../../contract/api_contract_suites.ts";
import { simulatedServer } from "../../contract/simulated_server.ts";

const server = simulatedServer();
const contract: Contract = (promise, check) => test(promise, async () => await check(new Api(await server.open())));

for (const suite of API_CONTRACT) suite(contract);
