/** An invariant that does not hold, to show that the simulation finds what is wrong. */
import type { Bench, Theme } from "./theme.ts";

export function canaryTheme({ report }: Bench): Theme {
  return {
    onChange(change) {
      if (change.kind !== "jobSet" || change.after === undefined || change.after.status.restarts === 0) return;
      report("canary", `${change.after.name} was restarted`);
    },
  };
}
