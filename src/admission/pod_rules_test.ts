import { expect, test } from "bun:test";
import { podProblem } from "./pod_rules.ts";

const NAME = "jobset.sigs.k8s.io/jobset-name";
const EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology";
const SELECTOR = "alpha.jobset.sigs.k8s.io/node-selector";

test("a Pod that needs nothing is let in", () => {
  for (
    const annotations of [
      undefined,
      {},
      { [NAME]: "a" },
      { [EXCLUSIVE]: "zone" },
      { [NAME]: "a", [EXCLUSIVE]: "zone", [SELECTOR]: "true" },
    ]
  ) {
    expect(podProblem({ metadata: { annotations } })).toBeUndefined();
  }
  expect(podProblem(undefined)).toBeUndefined();
});

test("a Pod that asks for a domain of its own is not let into a shared one", () => {
  expect(podProblem({ metadata: { annotations: { [NAME]: "a", [EXCLUSIVE]: "zone" } } })).toContain(EXCLUSIVE);
});
