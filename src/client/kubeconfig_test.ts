import { expect, test } from "bun:test";
import { ClusterAccessError } from "./cluster_access_error.ts";
import { parseKubeconfig } from "./kubeconfig.ts";

test("aliases that would grow without end are refused in words, not as an unexpected error", () => {
  const lists = ["a", "b", "c", "d"].map((name, index, all) => {
    const item = index === 0 ? "x" : `*${all[index - 1]}`;
    return `${name}: &${name} [${Array(20).fill(item).join(", ")}]`;
  });
  const read = () => parseKubeconfig(lists.join("\n"), "config");
  expect(read).toThrow(ClusterAccessError);
  expect(read).toThrow('read kubeconfig "config": Excessive alias count');
});
