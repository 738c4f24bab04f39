/**
 * Creates JobSets that are not kept, so many a second, until its standard input ends; then it prints what came of it. A process
 * of its own, so that nothing that the tests do holds it up. `bun dry_run_client.ts OPTIONS`, as JSON (DryRunOptions).
 */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { Api } from "../../scripts/control_plane/api.ts";
import type { DryRunOptions, DryRunReport } from "./dry_run_load.ts";
import { byHand, jobSet } from "./job_sets.ts";

const EVERY_MS = 5;
const MAX_AT_ONCE = 60;
const MAX_FAILURES = 20;
/** Of the JobSets one in so many is such that the validating webhook must refuse it. */
const REFUSED_EVERY = 10;

const VALID = jobSet("probe", [byHand("a", { replicas: 4 })]);
const INVALID = jobSet("probe", [byHand("a")], { successPolicy: { operator: "All", targetReplicatedJobs: ["none"] } });

class Client {
  readonly #api: Api;
  readonly #path: string;
  readonly #perSecond: number;
  readonly #startedAt = performance.now();
  readonly #underWay = new Set<Promise<void>>();
  readonly #failures: string[] = [];
  #sent = 0;
  #failed = 0;
  #slowestMs = 0;

  constructor({ access, namespace, perSecond }: DryRunOptions) {
    this.#api = new Api(access);
    this.#path = `/apis/jobset.x-k8s.io/v1alpha2/namespaces/${namespace}/jobsets?dryRun=All`;
    this.#perSecond = perSecond;
  }

  async run(until: Promise<unknown>): Promise<DryRunReport> {
    const timer = setInterval(() => this.#sendDue(), EVERY_MS);
    await until;
    clearInterval(timer);
    const seconds = this.#seconds;
    await Promise.all(this.#underWay);
    const { length } = this.#failures;
    if (this.#failed > length) this.#failures.push(`and ${this.#failed - length} more`);
    return { sent: this.#sent, seconds, slowestMs: this.#slowestMs, failures: this.#failures };
  }

  get #seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  /** What is late is not made up for beyond this: a slow server is told from a server that fails. */
  #sendDue(): void {
    while (this.#sent < this.#seconds * this.#perSecond && this.#underWay.size < MAX_AT_ONCE) {
      const sending = this.#send(++this.#sent % REFUSED_EVERY === 0);
      this.#underWay.add(sending);
      void sending.finally(() => this.#underWay.delete(sending));
    }
  }

  async #send(isInvalid: boolean): Promise<void> {
    const startedAt = performance.now();
    const problem = await this.#problem(isInvalid).catch((error: unknown) => String(error));
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
    if (problem === undefined) return;
    this.#failed++;
    if (this.#failures.length < MAX_FAILURES) this.#failures.push(`${new Date().toISOString()} ${problem}`);
  }

  async #problem(isInvalid: boolean): Promise<string | undefined> {
    const { code, body } = await this.#api.request("POST", this.#path, isInvalid ? INVALID : VALID);
    return isRight(isInvalid, code, body) ? undefined : `${code} ${asString(body["message"]) ?? JSON.stringify(body)}`;
  }
}

function isRight(isInvalid: boolean, code: number, body: JsonObject): boolean {
  if (isInvalid) return code === 422 && (asString(body["message"]) ?? "").includes("successPolicy");
  return code === 201 && at(body, "spec", "successPolicy", "operator") !== undefined;
}

const options = JSON.parse(process.argv[2] ?? "{}") as DryRunOptions;
console.log(JSON.stringify(await new Client(options).run(Bun.stdin.text())));
