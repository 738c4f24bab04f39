/** What the API server itself takes for the status of a Job, whoever writes it. */
import { expect } from "bun:test";
import type { JsonObject } from "../../src/base/json.ts";
import { type Contract, refused } from "./api_contract.ts";
import { condition, job } from "./api_contract_objects.ts";

const STARTED = "2026-01-01T00:00:00Z";
const ENDED = "2026-01-01T00:01:00Z";

export function jobStatusContract(contract: Contract): void {
  const met = condition("SuccessCriteriaMet");
  const target = condition("FailureTarget");
  const complete = [met, condition("Complete")];
  const failed = [target, condition("Failed")];
  const succeeded = { succeeded: 1, completionTime: ENDED };
  const cases: readonly Readonly<{ what: string; before?: JsonObject; status: JsonObject; why?: string }>[] = [
    { what: "completes", status: { ...succeeded, conditions: complete } },
    { what: "fails", status: { failed: 1, conditions: failed } },
    {
      what: "is about to fail, and fails",
      before: { startTime: STARTED, conditions: [target] },
      status: { conditions: failed },
    },
    {
      what: "completes without its criteria met",
      status: { ...succeeded, conditions: [condition("Complete")] },
      why: "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true " +
        "condition",
    },
    {
      what: "fails without being about to",
      status: { conditions: [condition("Failed")] },
      why:
        "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
    },
    {
      what: "completes without a time",
      status: { succeeded: 1, conditions: complete },
      why: "status.completionTime: Required value: completionTime is required for Complete jobs",
    },
    {
      what: "has a completion time and is not complete",
      status: { completionTime: ENDED },
      why:
        `status.completionTime: Invalid value: "${ENDED}": cannot set completionTime when there is no Complete=True ` +
        "condition",
    },
    {
      what: "ends before it started",
      before: { startTime: ENDED },
      status: { succeeded: 1, completionTime: STARTED, conditions: complete },
      why: `status.completionTime: Invalid value: "${STARTED}": must be equal to or after \`startTime\``,
    },
    {
      what: "ends without having started",
      before: {},
      status: { ...succeeded, conditions: complete },
      why: "status.startTime: Required value: startTime is required for finished job",
    },
    {
      what: "fails while a Pod is active",
      before: { startTime: STARTED, active: 1 },
      status: { conditions: failed },
      why: "status.active: Invalid value: 1: active>0 is invalid for finished job",
    },
    {
      what: "fails while a Pod is terminating",
      before: { startTime: STARTED, terminating: 1 },
      status: { conditions: failed },
      why: "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job",
    },
    {
      what: "takes its failure back",
      before: { startTime: STARTED, conditions: failed },
      status: { conditions: [target, condition("Failed", "False")] },
      why: "status.conditions: Invalid value: cannot disable the terminal Failed=True condition",
    },
    {
      what: "forgets that it is about to fail",
      before: { startTime: STARTED, conditions: [target] },
      status: { conditions: [] },
      why: "status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition",
    },
    {
      what: "is about to fail and to complete",
      status: { conditions: [target, met] },
      why: "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
    },
    {
      what: "forgets a failed Pod",
      before: { startTime: STARTED, failed: 2 },
      status: { failed: 1 },
      why: "status.failed: Invalid value: 1: cannot decrease the failed counter",
    },
    {
      what: "forgets a success",
      before: { startTime: STARTED, succeeded: 2 },
      status: { succeeded: 1 },
      why: "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter",
    },
    {
      what: "has more ready Pods than active ones",
      status: { active: 1, ready: 2 },
      why: "status.ready: Invalid value: 2: cannot set more ready pods than active",
    },
    {
      what: "counts less than nothing",
      status: { active: -1 },
      why: "status.active: Invalid value: -1: must be greater than or equal to 0",
    },
    {
      what: "has indexes without being Indexed",
      status: { completedIndexes: "0" },
      why: 'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed ' +
        "completion mode",
    },
  ];
  for (const { what, before = { startTime: STARTED }, status, why } of cases) {
    contract(`a Job that ${what}: ${why === undefined ? "taken" : "refused"}`, async (api) => {
      await api.create("jobs", job("a"));
      if (Object.keys(before).length > 0) await api.patch("jobs", "a/status", { status: before });
      const write = api.patch("jobs", "a/status", { status });
      if (why === undefined) expect((await write)["status"]).toMatchObject(status);
      else await expectInvalid(write, why);
    });
  }
}

async function expectInvalid(write: Promise<unknown>, why: string): Promise<void> {
  const error = await refused(write);
  expect(error?.message).toBe(`Job.batch "a" is invalid: ${why}`);
  expect([error?.status, error?.reason]).toEqual([422, "Invalid"]);
}
