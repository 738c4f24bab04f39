/**
 * Child processes that never outlive their parent.
 *
 * A watchdog, a shell of 1 MB in a session of its own, reads the children's ids from a pipe that only the parent holds open.
 * When the parent ends, however it ends (`kill -9` included), the pipe closes and the watchdog kills the children and removes
 * their folder. Nothing else is needed: no signal handlers, no exit hooks.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";

const WATCHDOG = `
trap '' INT TERM HUP QUIT
folder=$1
pids=
while read -r verb pid; do
  case $verb in
    add) pids="$pids $pid" ;;
    drop)
      keep=
      for p in $pids; do [ "$p" = "$pid" ] || keep="$keep $p"; done
      pids=$keep ;;
  esac
done
for p in $pids; do kill -s KILL -- "-$p" 2>/dev/null; done
tries=0
while [ -n "$folder" ] && [ -e "$folder" ] && [ $tries -lt 50 ]; do
  rm -rf "$folder" 2>/dev/null || sleep 0.1
  tries=$((tries + 1))
done
`;

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `env` is all that it gets; otherwise it is laid over our own. */
  readonly isEnvAlone?: boolean;
  readonly cwd?: string;
  /** The name that it is called by, where that is not its path. */
  readonly argv0?: string;
  /** Both output streams go to this file; it is appended to. */
  readonly logFile: string;
}

/** A child of a group, in a process group of its own so that Ctrl-C reaches only the parent. */
export interface GuardedProcess {
  readonly pid: number;
  readonly logFile: string;
  /** Resolves with the exit code, or 128 + signal. */
  readonly exited: Promise<number>;
  isRunning(): boolean;
  kill(signal?: NodeJS.Signals): void;
  /** Kills it and what it started, also what is left of that after its end. */
  killGroup(): void;
  /** Sends the signal, waits, and kills what is left after `graceMs`. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<number>;
  /** The last lines of its output, for error messages. */
  lastLines(count: number): string;
}

export class ProcessGroup {
  readonly #folder: string | undefined;
  readonly #children = new Set<GuardedProcess>();
  readonly #watchdog: Bun.Subprocess<"pipe", "ignore", "ignore">;

  /** `folder`, where given, is removed when the group ends. */
  constructor(folder?: string) {
    this.#folder = folder;
    this.#watchdog = Bun.spawn(["sh", "-c", WATCHDOG, "watchdog", folder ?? ""], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
      cwd: "/",
    });
    this.#watchdog.unref();
  }

  spawn(command: readonly string[], options: SpawnOptions): GuardedProcess {
    const log = openSync(options.logFile, "a");
    const env = options.isEnvAlone === true ? { ...options.env } : { ...process.env, ...options.env };
    const child = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: log,
      stderr: log,
      detached: true,
      env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
    });
    closeSync(log);
    child.unref();
    this.#tell(`add ${child.pid}`);
    const guarded = guard(child, options.logFile);
    this.#children.add(guarded);
    void child.exited.then(() => {
      this.#children.delete(guarded);
      this.#tell(`drop ${child.pid}`);
    });
    return guarded;
  }

  /** Kills every child, waits for their end, removes the folder. */
  async stop(): Promise<void> {
    const children = [...this.#children];
    for (const child of children) killGroup(child.pid);
    await Promise.all(children.map((child) => child.exited));
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    await this.#watchdog.stdin.end();
    await this.#watchdog.exited;
  }

  #tell(line: string): void {
    if (this.#watchdog.exitCode !== null) return;
    void this.#watchdog.stdin.write(`${line}\n`);
    void this.#watchdog.stdin.flush();
  }
}

/** The child and the children that it started. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended already
  }
}

function guard(child: Bun.Subprocess, logFile: string): GuardedProcess {
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const kill = (signal: NodeJS.Signals = "SIGTERM") => {
    if (isRunning()) child.kill(signal);
  };
  return {
    pid: child.pid,
    logFile,
    exited: child.exited,
    isRunning,
    kill,
    killGroup: () => killGroup(child.pid),
    async stop(signal = "SIGTERM", graceMs = 10_000) {
      kill(signal);
      const timer = setTimeout(() => kill("SIGKILL"), graceMs);
      const code = await child.exited;
      clearTimeout(timer);
      return code;
    },
    lastLines: (count) => readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-count).join("\n"),
  };
}
