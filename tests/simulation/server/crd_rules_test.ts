import { expect, test } from "bun:test";
import { CEL_RULES, ruleCauses, ruleTexts } from "./crd_rules.ts";
import { jobSetSchemas } from "./job_set_strategy.ts";

const { whole, rules } = jobSetSchemas();
const [EQUAL = "", CLAIMS = "", EXCLUSIVE = ""] = Object.keys(CEL_RULES);

test("every rule of our CRD has its function, and every function its rule", () => {
  expect([...ruleTexts(whole)].sort()).toEqual(Object.keys(CEL_RULES).sort());
  expect([...ruleTexts(rules)].sort()).toEqual(Object.keys(CEL_RULES).sort());
});

test("each function does what its rule says", () => {
  const keeps = (rule: string, self: unknown, oldSelf?: unknown) => CEL_RULES[rule]?.(self, oldSelf);
  expect([keeps(EQUAL, { a: [1] }, { a: [1] }), keeps(EQUAL, { a: [1] }, { a: [2] })]).toEqual([true, false]);
  expect(keeps(CLAIMS, { templates: [{ metadata: { name: "a", namespace: "" } }] })).toBe(true);
  expect(keeps(CLAIMS, { templates: [{ metadata: {} }, { metadata: { namespace: "x" } }] })).toBe(false);
  const inOrder = { startupPolicy: { startupPolicyOrder: "InOrder" } };
  expect(keeps(EXCLUSIVE, inOrder)).toBe(true);
  expect(keeps(EXCLUSIVE, { ...inOrder, replicatedJobs: [{ name: "a" }] })).toBe(true);
  expect(keeps(EXCLUSIVE, { ...inOrder, replicatedJobs: [{ name: "a", dependsOn: [] }] })).toBe(false);
  expect(keeps(EXCLUSIVE, { replicatedJobs: [{ name: "a", dependsOn: [] }] })).toBe(true);
});

test("a rule about the old value is asked only where there is one, entries found by their keys", () => {
  const dependent = (status: string) => ({ name: "b", dependsOn: [{ name: "a", status }] });
  const causes = (self: unknown, oldSelf: unknown) =>
    ruleCauses(rules, { self, oldSelf, path: "spec" }).map(({ field }) => field);
  const old = { replicatedJobs: [{ name: "a" }, dependent("Ready")] };
  expect(causes({ replicatedJobs: [dependent("Complete"), { name: "a" }] }, old)).toEqual([
    "spec.replicatedJobs[0].dependsOn",
  ]);
  expect(causes({ replicatedJobs: [{ ...dependent("Complete"), name: "c" }] }, old)).toEqual([]);
  expect(causes({ network: { subdomain: "a" } }, {})).toEqual([]);
  expect(causes({ network: { subdomain: "a" } }, { network: { subdomain: "b" } })).toEqual(["spec.network"]);
});
