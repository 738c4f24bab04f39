/**
 * An agent runs in every Pod of a large JobSet and does next to nothing. Without the engine's compiler it takes 2 MB less, but that is
 * asked for by a variable that is read at the start of a process only. So the executable replaces itself: the same process begins
 * anew with that variable, which takes 10 ms.
 */

type Environment = Readonly<Record<string, string | undefined>>;

export interface Start {
  readonly env: Environment;
  /** The name that the executable was called by, and its arguments. */
  readonly name: string;
  readonly args: readonly string[];
  /** The executable; undefined where it runs from source, by another one. */
  readonly executable: string | undefined;
  /** Replaces the process; returns or throws only where it can't. */
  readonly replace: (file: string, args: readonly string[], env: Record<string, string>) => void;
}

const NO_COMPILER = "BUN_JSC_useJIT";
/** Says that the variable is ours, so that the worker does not inherit it. */
const MARK = "JOBSET_AGENT_LEAN";

/** The environment as it was given; where the process is yet to begin anew, it does not return. */
export function startLean({ env, name, args, executable, replace }: Start): Environment {
  if (env[MARK] !== undefined) {
    const { [NO_COMPILER]: _, [MARK]: __, ...given } = env;
    return given;
  }
  if (executable === undefined || env[NO_COMPILER] !== undefined) return env;
  const all: Record<string, string> = { [NO_COMPILER]: "0", [MARK]: "1" };
  for (const [key, value] of Object.entries(env)) if (value !== undefined) all[key] = value;
  try {
    replace(executable, [name, ...args], all);
  } catch {
    // It goes on as it is, with 2 MB more.
  }
  return env;
}
