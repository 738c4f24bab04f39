import { expect, test } from "bun:test";
import { type Start, startLean } from "./lean_start.ts";

function start(more: Partial<Start>): { readonly env: Start["env"]; readonly replaced: readonly unknown[] } {
  const replaced: unknown[] = [];
  const env = startLean({
    env: { A: "1", NOTHING: undefined },
    name: "in-place-restart-agent",
    args: ["agent"],
    executable: "/manager",
    replace: (...call) => void replaced.push(call),
    ...more,
  });
  return { env, replaced };
}

test("the executable begins anew without a compiler, under the same name and with the same arguments", () => {
  const all = { A: "1", BUN_JSC_useJIT: "0", JOBSET_AGENT_LEAN: "1" };
  expect(start({}).replaced).toEqual([["/manager", ["in-place-restart-agent", "agent"], all]]);
});

test("having begun anew it hands on the environment as it was given", () => {
  const { env, replaced } = start({ env: { A: "1", BUN_JSC_useJIT: "0", JOBSET_AGENT_LEAN: "1" } });
  expect([env, replaced]).toEqual([{ A: "1" }, []]);
});

test("what somebody else has set stays, and so does a start from source", () => {
  const set = { BUN_JSC_useJIT: "1" };
  expect(start({ env: set })).toEqual({ env: set, replaced: [] });
  expect(start({ executable: undefined }).replaced).toEqual([]);
});

test("where it can't be replaced it goes on as it is", () => {
  const replace = () => {
    throw new Error("not permitted");
  };
  expect(start({ replace }).env).toEqual({ A: "1", NOTHING: undefined });
});
