/** Builds the agent from the environment of its container, and runs it. It loads nothing that it does not need: ≤ 40 MB RSS. */
import { systemClock } from "../base/clock.ts";
import { createLogger, escapeControls } from "../base/logger.ts";
import { messageOf } from "../base/message_of.ts";
import { systemRandom } from "../base/random.ts";
import { thisVersion, userAgent } from "../base/version.ts";
import { accessFromServiceAccount } from "../client/in_cluster.ts";
import { createKubeClient } from "../client/kube_client.ts";
import { TellingClient } from "./access_problems.ts";
import { Agent } from "./agent.ts";
import type { Barrier } from "./barrier.ts";
import { serveProbe } from "./probe_barrier.ts";
import { type AgentSettings, AgentSettingsError, readAgentSettings } from "./settings.ts";
import type { Signals } from "./signals.ts";
import { WorkerBarrier } from "./worker_barrier.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface RunAgentOptions {
  readonly env: Environment;
  readonly signals: Signals;
  /** Takes whole lines. */
  readonly writeError: (text: string) => void;
  /** Process 1 of its container. */
  readonly isFirstProcess: boolean;
}

/** Runs the agent to its end; the exit code of the process. What keeps it from starting is one line and code 1. */
export async function runAgent(options: RunAgentOptions): Promise<number> {
  try {
    const settings = await readAgentSettings({ env: options.env, readFile: readIfThere, which: Bun.which });
    return await start(settings, options);
  } catch (cause) {
    options.writeError(`error: ${escapeControls(messageOf(cause))}\n`);
    return 1;
  }
}

async function start(settings: AgentSettings, options: RunAgentOptions): Promise<number> {
  const { env, signals, writeError } = options;
  const clock = systemClock();
  const log = createLogger({ clock, verbosity: 0, write: writeError });
  const access = await accessFromServiceAccount({ env, clock, log });
  if (access === undefined) {
    throw new AgentSettingsError(
      "find the API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set and the service account's token " +
        "be mounted: is automountServiceAccountToken off?",
    );
  }
  await access.credentials.current();
  const client = createKubeClient({ access, env, qps: 0, burst: 1, userAgent: userAgent(thisVersion()), clock });
  const makeBarrier = (onExit: (code: number) => void): Barrier => {
    const { barrier } = settings;
    if (barrier.kind === "probe") return serveProbe(barrier);
    return new WorkerBarrier({ ...barrier, env, clock, log, isFirstProcess: options.isFirstProcess, onExit });
  };
  const { namespace } = settings;
  const telling = new TellingClient(client, { namespace, log });
  const agent = new Agent({ settings, client: telling, makeBarrier, signals, clock, random: systemRandom(), log });
  try {
    return await agent.run();
  } finally {
    client.close();
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Bun.file(path).text();
  } catch {
    return undefined; // told as a setting that is missing
  }
}
