import { describe, expect, test } from "bun:test";
import { ApiError } from "../client/api_error.ts";
import { brokenLine, type WatchLine } from "./watch_line.ts";
import {
  INITIAL_WATCH_STATE,
  type WatchAction,
  type WatchContext,
  type WatchInput,
  type WatchState,
  watchStep,
} from "./watch_step.ts";

/** Feeds inputs and remembers what the last of them led to. */
class Machine {
  state: WatchState = INITIAL_WATCH_STATE;
  nowMs = 1_000_000;
  draw = 0;
  last: readonly WatchAction[] = [];

  input(...inputs: readonly WatchInput[]): this {
    for (const input of inputs) {
      const context: WatchContext = { nowMs: this.nowMs, draw: this.draw };
      const { state, actions } = watchStep(this.state, input, context);
      this.state = state;
      this.last = actions;
    }
    return this;
  }

  later(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  get kinds(): string {
    return this.last.map((action) => action.type).join(" ");
  }

  get query(): Readonly<Record<string, string>> | undefined {
    return this.last.flatMap((action) => "query" in action ? [action.query] : [])[0];
  }

  get waitMs(): number | undefined {
    return this.last.flatMap((action) => action.type === "setTimer" ? [action.ms] : [])[0];
  }
}

const opened: WatchInput = { type: "opened" };
const ended: WatchInput = { type: "ended" };
const timer: WatchInput = { type: "timer" };

function line(it: WatchLine): WatchInput {
  return { type: "line", line: it };
}

function event(resourceVersion: string, kind: "upsert" | "delete" = "upsert"): WatchInput {
  return line({ kind, object: {}, resourceVersion });
}

function bookmark(resourceVersion: string, initialEventsEnd = false): WatchInput {
  return line({ kind: "bookmark", resourceVersion, initialEventsEnd });
}

function apiError(
  status: number,
  options: { reason?: string; retryAfterMs?: number; details?: unknown } = {},
): ApiError {
  return new ApiError({ status, reason: options.reason ?? "", message: `code ${status}`, ...options });
}

function failed(...error: Parameters<typeof apiError>): WatchInput {
  return { type: "failed", error: apiError(...error) };
}

function errorLine(...error: Parameters<typeof apiError>): WatchInput {
  return line({ kind: "error", error: apiError(...error) });
}

function starting(): Machine {
  return new Machine().input({ type: "start" });
}

/** Synced at version 10, and nothing since. */
function synced(): Machine {
  return starting().input(opened, event("5"), bookmark("10", true), ended, opened);
}

/** Reading pages, the first asked for. */
function paging(): Machine {
  return starting().input(failed(422));
}

describe("a fresh start", () => {
  test("asks for the initial state as a stream", () => {
    expect(starting().last).toEqual([{ type: "discard" }, {
      type: "openWatch",
      query: {
        watch: "1",
        allowWatchBookmarks: "true",
        timeoutSeconds: "300",
        sendInitialEvents: "true",
        resourceVersionMatch: "NotOlderThan",
      },
    }]);
  });

  test("draws the stream's timeout from 300 to 600 s", () => {
    const machine = new Machine();
    machine.draw = 0.999999;
    expect(machine.input({ type: "start" }).query?.["timeoutSeconds"]).toBe("600");
  });

  test("collects until the marked bookmark, swaps once, then delivers", () => {
    const machine = starting().input(opened);
    expect(machine.input(event("5")).kinds).toBe("collect");
    expect(machine.input(event("6", "delete")).kinds).toBe("collect");
    expect(machine.input(bookmark("8")).kinds).toBe("");
    expect(machine.input(bookmark("10", true)).last[0]).toEqual({ type: "swap", resourceVersion: "10" });
    expect(machine.input(event("11")).kinds).toBe("deliver");
    expect(machine.input(event("12", "delete")).kinds).toBe("deliver");
  });

  test.each([400, 405, 415, 422])("falls back to pages on a %d and never asks for the stream again", (status) => {
    const machine = starting().input(failed(status));
    expect(machine.last).toEqual([{ type: "discard" }, { type: "listPage", query: { limit: "500" } }]);
    machine.input({ type: "page", resourceVersion: "10", continueToken: undefined }, opened);
    expect(machine.input(errorLine(410)).kinds).toBe("closeStream discard listPage");
  });

  test("tries the stream once more when it ends before the marked bookmark, then reads pages", () => {
    const machine = starting().input(opened, event("5"), ended);
    expect(machine.kinds).toBe("discard openWatch");
    expect(machine.query?.["sendInitialEvents"]).toBe("true");
    expect(machine.input(opened, event("5"), ended).kinds).toBe("discard listPage");
  });

  test("waits before the second try if the stream brought nothing", () => {
    const machine = starting().input(opened, ended);
    expect(machine.waitMs).toBe(800);
    expect(machine.input(timer).kinds).toBe("discard openWatch");
  });

  test("reads pages when the marked bookmark does not come within 60 s", () => {
    const machine = starting().input(opened);
    expect(machine.waitMs).toBe(60_000);
    machine.later(59_000).input(event("5"));
    expect(machine.input(timer).last).toEqual([{ type: "setTimer", ms: 1_000 }]);
    expect(machine.later(1_000).input(timer).kinds).toBe("closeStream discard listPage");
  });

  test("reads pages when the stream does not even open in time", () => {
    expect(starting().input(failed(0, { reason: "Timeout" })).kinds).toBe("discard listPage");
  });

  test("that had to read pages for once asks for the stream the next time", () => {
    const machine = starting().input(opened, event("5"), ended, opened, event("5"), ended);
    machine.input({ type: "page", resourceVersion: "10", continueToken: undefined }, opened);
    expect(machine.input(errorLine(410)).query?.["sendInitialEvents"]).toBe("true");
  });
});

describe("pages", () => {
  test("are read to the end, swapped in at the version of the first, and watched from there", () => {
    const machine = paging().input({ type: "page", resourceVersion: "10", continueToken: "next" });
    expect(machine.last).toEqual([
      { type: "collect" },
      { type: "listPage", query: { limit: "500", continue: "next" } },
    ]);
    machine.input({ type: "page", resourceVersion: "12", continueToken: undefined });
    expect(machine.kinds).toBe("collect swap openWatch");
    expect(machine.last[1]).toEqual({ type: "swap", resourceVersion: "10" });
    expect(machine.query).toEqual({
      watch: "1",
      allowWatchBookmarks: "true",
      timeoutSeconds: "300",
      resourceVersion: "10",
    });
  });

  test("start over when the continue token is gone", () => {
    const machine = paging().input({ type: "page", resourceVersion: "10", continueToken: "next" });
    expect(machine.input(failed(410)).last).toEqual([{ type: "discard" }, {
      type: "listPage",
      query: { limit: "500" },
    }]);
    machine.input({ type: "page", resourceVersion: "20", continueToken: undefined });
    expect(machine.last[1]).toEqual({ type: "swap", resourceVersion: "20" });
  });

  test("stay pages when they start over, even if the stream may be asked for again later", () => {
    const machine = starting().input(opened, event("5"), ended, opened, event("5"), ended);
    machine.input({ type: "page", resourceVersion: "10", continueToken: "next" });
    expect(machine.input(failed(410)).kinds).toBe("discard listPage");
  });

  test("go on where they were after a failure that passes", () => {
    const machine = paging().input({ type: "page", resourceVersion: "10", continueToken: "next" });
    expect(machine.input(failed(503)).waitMs).toBe(800);
    expect(machine.input(timer).last).toEqual([{ type: "listPage", query: { limit: "500", continue: "next" } }]);
  });

  test("start over, after a wait, when the continue token is refused", () => {
    const machine = paging().input({ type: "page", resourceVersion: "10", continueToken: "next" }, failed(400));
    expect(machine.input(timer).last).toEqual([{ type: "discard" }, { type: "listPage", query: { limit: "500" } }]);
  });
});

describe("a running stream", () => {
  test("resumes from the last event or bookmark, at once, without a list", () => {
    for (const end of [ended, { type: "ended", error: apiError(0) } as const]) {
      expect(synced().input(event("11"), end).last).toEqual([{
        type: "openWatch",
        query: { watch: "1", allowWatchBookmarks: "true", timeoutSeconds: "300", resourceVersion: "11" },
      }]);
    }
    expect(synced().input(event("11"), bookmark("15"), ended).query?.["resourceVersion"]).toBe("15");
  });

  test("waits when it ended without bringing anything, so that no server is asked in a tight loop", () => {
    expect(synced().input(ended).waitMs).toBe(800);
    expect(synced().input(bookmark("10"), ended).waitMs).toBe(800);
  });

  test("resumes at once when a bookmark only repeats what an event brought", () => {
    expect(synced().input(event("11"), bookmark("11"), ended).kinds).toBe("openWatch");
  });

  test("resumes at once when it brought nothing but lasted", () => {
    expect(synced().later(30_000).input(ended).kinds).toBe("openWatch");
  });

  test.each([errorLine(410), errorLine(410, { reason: "Expired" })])(
    "reads all anew only when its version is gone",
    (gone) => {
      const machine = synced().input(event("11"), gone);
      expect(machine.kinds).toBe("closeStream discard openWatch");
      expect(machine.query?.["resourceVersion"]).toBeUndefined();
    },
  );

  test("reads all anew when the request to resume answers 410", () => {
    expect(synced().input(event("11"), ended, failed(410)).query?.["sendInitialEvents"]).toBe("true");
  });

  test("reads all anew when the server has never reached its version (a restored etcd)", () => {
    const details = { causes: [{ reason: "ResourceVersionTooLarge" }] };
    const machine = synced().input(event("11"), ended, failed(504, { reason: "Timeout", details }));
    expect(machine.query?.["sendInitialEvents"]).toBe("true");
  });

  test("reads all anew at once, but waits when that happens again within 10 s", () => {
    const machine = synced().input(errorLine(410), opened, bookmark("20", true)).later(9_999);
    expect(machine.input(errorLine(410)).kinds).toBe("closeStream report setTimer");
    expect(machine.input(timer).query?.["sendInitialEvents"]).toBe("true");
    machine.input(opened, bookmark("30", true)).later(10_000);
    expect(machine.input(errorLine(410)).kinds).toBe("closeStream discard openWatch");
  });

  test.each([429, 504])("waits on an ERROR event of %d and resumes", (status) => {
    const machine = synced().input(event("11"), errorLine(status));
    expect(machine.kinds).toBe("closeStream report setTimer");
    expect(machine.input(timer).query?.["resourceVersion"]).toBe("11");
  });

  test("resumes at once on any other ERROR event after progress, and waits without", () => {
    expect(synced().input(event("11"), errorLine(500)).kinds).toBe("closeStream openWatch");
    expect(synced().input(errorLine(500)).kinds).toBe("closeStream report setTimer");
  });

  test("takes a line that does not parse for a broken stream and does not pass over it", () => {
    const machine = synced().input(event("11"), line(brokenLine("x")));
    expect(machine.kinds).toBe("closeStream openWatch");
    expect(machine.query?.["resourceVersion"]).toBe("11");
    expect(machine.input(opened, line(brokenLine("x"))).kinds).toBe("closeStream report setTimer");
  });

  test("is renewed from the last version after 90 s of silence", () => {
    const machine = starting().input(opened, bookmark("10", true));
    expect(machine.waitMs).toBe(60_000 + 30_000);
    machine.later(50_000).input(event("11"));
    expect(machine.later(40_000).input(timer).last).toEqual([{ type: "setTimer", ms: 50_000 }]);
    expect(machine.later(50_000).input(timer).kinds).toBe("closeStream openWatch");
    expect(machine.query?.["resourceVersion"]).toBe("11");
  });

  test("is renewed 10 s after the timeout it was given, however much it says", () => {
    const machine = synced();
    for (let second = 0; second < 309; second++) machine.later(1_000).input(event(String(second + 11)));
    expect(machine.input(timer).last).toEqual([{ type: "setTimer", ms: 1_000 }]);
    expect(machine.later(1_000).input(timer).kinds).toBe("closeStream openWatch");
  });
});

describe("waits", () => {
  test("grow from 0.8 s to 30 s and count in a row", () => {
    const machine = synced().input(event("11"), ended);
    const waits: (number | undefined)[] = [];
    for (let index = 0; index < 8; index++) {
      waits.push(machine.input(failed(0)).waitMs);
      expect(machine.last[0]).toMatchObject({ type: "report", failures: index + 1 });
      machine.input(timer);
    }
    expect(waits).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  });

  test("carry up to half as much again by chance", () => {
    const machine = starting();
    machine.draw = 0.5;
    expect(machine.input(failed(503)).waitMs).toBe(1_000);
  });

  test("start small again after ten healthy seconds, not before", () => {
    const run = (healthyMs: number) => {
      const machine = synced().input(event("11"), ended, failed(0), timer, failed(0), timer, opened);
      for (let ms = 0; ms < healthyMs; ms += 1_000) machine.later(1_000).input(event(`${ms}`));
      return machine.input(ended, failed(0)).waitMs;
    };
    expect(run(9_000)).toBe(3_200);
    expect(run(10_000)).toBe(800);
  });

  test.each([429, 503, 504])("are as long as a %d asks for, where that is longer", (status) => {
    expect(starting().input(failed(status, { retryAfterMs: 7_000 })).waitMs).toBe(7_000);
    expect(starting().input(failed(status, { retryAfterMs: 1 })).waitMs).toBe(800);
  });

  test("are never longer than a minute, whatever is asked for: the cache would stay stale", () => {
    expect(starting().input(failed(503, { retryAfterMs: 86_400_000 })).waitMs).toBe(60_000);
  });

  test.each([401, 403, 404, 0, 500, 429])(
    "follow a %d at the start, which is reported, and the stream is tried again",
    (status) => {
      const machine = starting().input(failed(status));
      expect(machine.last[0]).toMatchObject({ type: "report", error: { status } });
      expect(machine.input(timer).query?.["sendInitialEvents"]).toBe("true");
    },
  );

  test("follow a refusal to resume that is about the request, and then all is read anew", () => {
    const machine = synced().input(event("11"), ended, failed(400));
    expect(machine.kinds).toBe("report setTimer");
    expect(machine.input(timer).query?.["sendInitialEvents"]).toBe("true");
  });
});

test("inputs that come too late change nothing", () => {
  const waiting = synced().input(ended);
  for (const input of [ended, opened, event("99"), failed(500)]) {
    const before = waiting.state;
    expect(waiting.input(input).last).toEqual([]);
    expect(waiting.state).toBe(before);
  }
  const opening = synced().input(event("11"), ended);
  expect(opening.input(timer).last).toEqual([]);
  expect(opening.input({ type: "page", resourceVersion: "1", continueToken: undefined }).last).toEqual([]);
});
