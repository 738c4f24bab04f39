import { expect, test } from "bun:test";
import type { Budget, Outcome } from "./bench.ts";
import { judge } from "./judge.ts";

const RATIO: Budget = { name: "ratio", most: 1.2 };

function verdict(budget: Budget, outcome: Partial<Outcome>): string | undefined {
  return judge([budget], { figures: {}, faults: [], ...outcome })[0]?.verdict;
}

test("a figure within its budget is within, whatever its noise", () => {
  expect(verdict(RATIO, { figures: { ratio: 1.2 }, samples: { ratio: [0.5, 0.9, 1.2, 1.5, 3] } })).toBe("within");
});

test("a median that misses by less than its rounds are apart is noise", () => {
  const samples = { ratio: [1.1, 1.15, 1.23, 1.3, 1.35] };
  expect(verdict(RATIO, { figures: { ratio: 1.23 }, samples })).toBe("noise");
});

test("the same miss is over where the rounds agree", () => {
  const samples = { ratio: [1.229, 1.23, 1.23, 1.231, 1.232] };
  expect(verdict(RATIO, { figures: { ratio: 1.23 }, samples })).toBe("over");
});

test("what was measured once may miss by three hundredths", () => {
  const budget: Budget = { name: "idle_mb", most: 60 };
  expect(verdict(budget, { figures: { idle_mb: 61.9 } })).toBe("over");
  expect(verdict(budget, { figures: { idle_mb: 61.7 } })).toBe("noise");
});

test("a count of none has no noise", () => {
  expect(verdict({ name: "conflicts", most: 0 }, { figures: { conflicts: 1 } })).toBe("over");
});

test("no noise excuses more than a tenth of the budget", () => {
  const samples = { ratio: [0.6, 0.9, 1.3, 1.9, 2.4] };
  expect(verdict(RATIO, { figures: { ratio: 1.3 }, samples })).toBe("noise");
  expect(verdict(RATIO, { figures: { ratio: 1.33 }, samples })).toBe("over");
  expect(judge([RATIO], { figures: { ratio: 1.33 }, faults: [], samples })[0]?.noise).toBeCloseTo(0.12);
  const none: Budget = { name: "conflicts", most: 0 };
  expect(verdict(none, { figures: { conflicts: 1 }, samples: { conflicts: [0, 0, 1, 3, 5] } })).toBe("over");
});

test("a figure is judged as it was measured, and rounding does not hide that it missed", () => {
  const budget: Budget = { name: "growth", most: 1.05 };
  const samples = { growth: [1.0548, 1.0549, 1.0549, 1.0549, 1.055] };
  expect(judge([budget], { figures: { growth: 1.0549 }, faults: [], samples })[0]).toMatchObject({
    text: "1.055",
    verdict: "over",
  });
  expect(judge([budget], { figures: { growth: 1.0449 }, faults: [] })[0]).toMatchObject({ text: "1.04" });
  const memory: Budget = { name: "rss_mb", most: 110 };
  expect(judge([memory], { figures: { rss_mb: 110.2 }, faults: [] })[0]).toMatchObject({
    text: "110.2",
    verdict: "noise",
  });
  expect(judge([memory], { figures: { rss_mb: 48.4 }, faults: [] })[0]).toMatchObject({
    text: "48",
    verdict: "within",
  });
});

test("what must be reached is judged from below, and not rounded up", () => {
  const budget: Budget = { name: "speedup", least: 3 };
  expect(judge([budget], { figures: { speedup: 2.999 }, faults: [] })[0]).toMatchObject({
    text: "2.999",
    verdict: "noise",
  });
  expect(verdict(budget, { figures: { speedup: 2.5 } })).toBe("over");
  expect(verdict(budget, { figures: { speedup: 3 } })).toBe("within");
});

test("a figure that was not measured is over", () => {
  expect(verdict(RATIO, {})).toBe("over");
});
