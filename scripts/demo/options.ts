import { parseArgs } from "node:util";

export interface DemoOptions {
  /** undefined: the demo's own example. */
  readonly file: string | undefined;
  readonly keep: boolean;
  readonly help: boolean;
  readonly timeoutMs: number;
  readonly featureGates: Readonly<Record<string, boolean>>;
}

/** A mistake on the command line or in a file that it names. */
export class UsageError extends Error {}

const DEFAULT_TIMEOUT_S = 120;

export const HELP = `npm run demo                    run a JobSet on a real Kubernetes control plane and watch it
npm run demo -- --keep          the same, and leave everything running to play on with kubectl
npm run demo -- -f FILE         run the JobSets of your own file ("-": standard input)

  -f, --file FILE     a file for kubectl apply with at least one JobSet
      --feature-gates A=true,B=false
                      for the controller, such as InPlaceRestart=true
      --keep          leave everything running until Ctrl-C
      --timeout SEC   give up when a JobSet has not ended by then (default ${DEFAULT_TIMEOUT_S})
  -h, --help          show this help

No container runs: a small kubelet plays the Pods. What becomes of them stands in
scripts/demo/fates.yaml: Pods of your own file run for some seconds and succeed,
unless their annotations say otherwise, for instance
  fate.jobset-lite.dev/fail-after: 2s
  fate.jobset-lite.dev/fail-on-restart-attempt: "0"
All words that there are stand in scripts/kubelet/fate.ts.

Exit code 0: the demo's JobSet ended Completed; with -f: every JobSet of the file
has ended, Completed or Failed.
`;

export function readOptions(args: readonly string[]): DemoOptions {
  const values = parse(args);
  const seconds = Number(values.timeout ?? DEFAULT_TIMEOUT_S);
  if (!Number.isFinite(seconds) || seconds <= 0) {
    throw new UsageError(`--timeout: "${values.timeout}" is not a number of seconds`);
  }
  return {
    file: values.file,
    keep: values.keep ?? false,
    help: values.help ?? false,
    timeoutMs: seconds * 1000,
    featureGates: readGates(values["feature-gates"] ?? ""),
  };
}

/** Which gates there are the controller knows. */
function readGates(text: string): Readonly<Record<string, boolean>> {
  const pairs = text.split(",").filter((pair) => pair !== "").map((pair): readonly [string, boolean] => {
    const [, name, value] = /^(\w+)=(true|false)$/.exec(pair) ?? [];
    if (name === undefined) throw new UsageError(`--feature-gates: "${pair}" is not of the form A=true or A=false`);
    return [name, value === "true"];
  });
  return Object.fromEntries(pairs);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        file: { type: "string", short: "f" },
        "feature-gates": { type: "string" },
        keep: { type: "boolean" },
        timeout: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message.split(". ")[0] : String(error);
    throw new UsageError(`${message}; see npm run demo -- --help`);
  }
}
