import { expect, test } from "bun:test";
import definitionsFile from "../../src/api/crd/kubernetes_1_36.json" with { type: "json" };
import { fetchZeroTable, ZERO_VALUES_FILE, zeroTableText } from "../../scripts/zero_values/zero_table.ts";
import { sharedServer } from "./shared_server.ts";

test("the table of zero values is what the pinned API server answers (spec 2.3)", async () => {
  const { api } = await sharedServer();
  const table = await fetchZeroTable(api, definitionsFile.definitions);
  expect(zeroTableText(table, definitionsFile.kubernetesVersion)).toBe(await Bun.file(ZERO_VALUES_FILE).text());
});
