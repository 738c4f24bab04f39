/**
 * Spec 6.2, internalCertManagement on: our own CA and server certificate in a Secret that all replicas share, and the CA in both
 * webhook configurations. Every replica does this, leader or not.
 *
 * Whatever happens leads to the same step: look at the Secret and the configurations as the watches show them, and do what is
 * missing. All writes carry the resourceVersion of what was looked at, so of several replicas one wins, and the others read
 * what it wrote. A certificate of another CA is served only once the configurations trust both.
 */
import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../base/clock.ts";
import { asObject, type JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import type { CacheEntry } from "../cache/object_cache.ts";
import { isAlreadyExists, isConflict } from "../client/api_error.ts";
import type { KubeClient, KubeRequest } from "../client/kube_client.ts";
import { RateLimiter } from "../client/rate_limiter.ts";
import { CertificateDraft } from "./certificate_draft.ts";
import { isOurs, NO_FACTS, readBundle } from "./certificate_facts.ts";
import { type CertificateMaker, certificateMaker } from "./certificate_maker.ts";
import {
  type CertificateNames,
  type CertificatePlan,
  type CertificateSet,
  planCertificates,
} from "./certificate_plan.ts";
import { type CertificateSecret, readCertificateSecret, secretBody } from "./certificate_secret.ts";
import type { CertificateSource } from "./certificate_source.ts";
import { Complaints } from "./complaints.ts";
import { WatchedObject } from "./watched_object.ts";
import {
  bundlePatch,
  CONFIGURATIONS,
  hostsOf,
  readWebhookConfiguration,
  type WebhookConfiguration,
  webhooksToMend,
} from "./webhook_configuration.ts";

export interface InternalCertificatesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Our own namespace, where Service and Secret are. */
  readonly namespace: string;
  readonly serviceName: string;
  readonly secretName: string;
  /** For tests; the real one where left out. */
  readonly maker?: CertificateMaker | undefined;
}

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
/** The watches tell what happens; this is for clocks that jump and machines that slept. */
const LOOK_AGAIN_MS = 60_000;
/** Another replica was faster: its write is on its way to us. */
const OVERTAKEN_MS = 1000;
/** By then every API server knows of a changed bundle. */
const SPREAD_MS = 5000;
const BACKOFF = { baseMs: 500, capMs: 8000, jitter: 0.2 };
/** Should somebody else undo each write of ours, this bounds the quarrel. */
const WRITES = { qps: 0.5, burst: 10 };
const REQUEST_TIMEOUT_MS = 10_000;

export class InternalCertificates implements CertificateSource {
  readonly #options: InternalCertificatesOptions;
  readonly #secret: WatchedObject<CertificateSecret>;
  readonly #configurations: readonly WatchedObject<WebhookConfiguration>[];
  readonly #draft: CertificateDraft;
  readonly #writes: RateLimiter;
  readonly #complaints: Complaints;
  readonly #listeners: ((certificate: ServingCertificate) => void)[] = [];
  /** The configurations that cert-manager keeps, as far as that was told. */
  readonly #managed = new Set<string>();
  /** The last good set that the Secret held. */
  #remembered: CertificateSet | undefined;
  #served: CertificateSet | undefined;
  /** Since when the configurations trust this CA, which is to be served next. */
  #trusted: { readonly fingerprint: string; readonly sinceMs: number } | undefined;
  #isReady = false;
  #failure: string | undefined;
  #failures = 0;
  #wake: () => void = () => {};

  constructor(options: InternalCertificatesOptions) {
    const { clock, log, namespace, serviceName, secretName, maker = certificateMaker } = options;
    this.#options = options;
    this.#draft = new CertificateDraft(clock, maker);
    this.#writes = new RateLimiter({ ...WRITES, clock });
    this.#complaints = new Complaints(log);
    const collection = `/api/v1/namespaces/${namespace}/secrets`;
    this.#secret = this.#watched({ collection, namespace, name: secretName }, readCertificateSecret);
    const service = { namespace, name: serviceName };
    this.#configurations = CONFIGURATIONS.map(({ collection, name }) =>
      this.#watched(
        { collection: `${ADMISSION}/${collection}`, namespace: "", name },
        (object) => readWebhookConfiguration(object, service),
      )
    );
  }

  get current(): ServingCertificate | undefined {
    return this.#served?.server;
  }

  get problem(): string | undefined {
    if (this.#isReady) return undefined;
    const { namespace, secretName } = this.#options;
    if (this.#secret.isKnown) return `certificates: ${this.#failure ?? "not made and injected yet"}`;
    return `certificates: ${this.#secret.problem ?? `Secret ${namespace}/${secretName} is not read yet`}`;
  }

  onChange(listener: (certificate: ServingCertificate) => void): void {
    this.#listeners.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const ended = new AbortController();
    const onAbort = () => ended.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const watches = [this.#secret, ...this.#configurations].map((object) => object.run(ended.signal));
      await Promise.all([...watches, this.#loop(ended.signal)]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      ended.abort();
    }
  }

  #watched<T extends CacheEntry>(
    place: { readonly collection: string; readonly namespace: string; readonly name: string },
    read: (object: JsonObject) => T,
  ): WatchedObject<T> {
    const { client, clock, random, log } = this.#options;
    return new WatchedObject({
      ...{ client, clock, random, log, read, ...place },
      onChange: () => this.#wake(),
      onRefused: (error) => this.#complaints.tell(error, place.collection),
    });
  }

  /** A step for every change, one at a time. */
  async #loop(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const onAbort = () => this.#wake();
    signal.addEventListener("abort", onAbort, { once: true });
    while (!signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const waitMs = await this.#tried(signal);
      if (signal.aborted) return;
      const timer = clock.after(waitMs, resolve);
      await promise;
      timer.cancel();
    }
  }

  async #tried(signal: AbortSignal): Promise<number> {
    try {
      const waitMs = await this.#step(signal);
      this.#failures = 0;
      this.#failure = undefined;
      return waitMs;
    } catch (error) {
      if (signal.aborted) return 0;
      if (isConflict(error) || isAlreadyExists(error)) return OVERTAKEN_MS;
      this.#complaints.tell(error, "");
      this.#failure = messageOf(error);
      const delayMs = Math.min(BACKOFF.baseMs * 2 ** Math.min(this.#failures++, 10), BACKOFF.capMs);
      return delayMs * (1 + BACKOFF.jitter * this.#options.random.next());
    }
  }

  /** Does what is missing; how long to wait if nothing else happens. */
  async #step(signal: AbortSignal): Promise<number> {
    if (!this.#secret.isKnown) return LOOK_AGAIN_MS;
    const nowMs = this.#options.clock.now();
    const plan = this.#plan(nowMs);
    if (plan.kind !== "keep") {
      // A certificate that is made before the hosts are known would have to be made again.
      if (!this.#areConfigurationsRead()) return LOOK_AGAIN_MS;
      await this.#write(plan, signal);
      return 0;
    }
    const { set } = plan;
    this.#draft.forget();
    this.#remembered = set;
    if (this.#mayServeAtOnce(set, nowMs)) this.#serve(set);
    await this.#inject(set, signal);
    const spreadMs = this.#serveOnceTrusted(set);
    if (this.#areConfigurationsRead()) {
      this.#isReady = true;
      if (!this.#configurations.some(({ isRefused }) => isRefused)) this.#complaints.settle();
    }
    return Math.min(spreadMs, plan.goodUntilMs - nowMs, LOOK_AGAIN_MS);
  }

  #plan(nowMs: number): CertificatePlan {
    const bundles = this.#configurations.flatMap(({ current }) => current?.webhooks ?? []);
    return planCertificates({
      stored: this.#secret.current?.facts ?? NO_FACTS,
      remembered: this.#remembered,
      served: this.#served?.authority,
      bundled: bundles.flatMap(({ bundle }) => readBundle(bundle)).filter(isOurs),
      names: this.#names(),
      nowMs,
    });
  }

  #names(): CertificateNames {
    const { serviceName, namespace } = this.#options;
    const name = `${serviceName}.${namespace}.svc`;
    const known = this.#configurations.map(({ current }) => current).filter((it) => it !== undefined);
    return { required: [name, ...hostsOf(known)], wanted: [name, `${name}.cluster.local`] };
  }

  /** One that may not be read is not waited for: whoever grants that later sees it mended then. */
  #areConfigurationsRead(): boolean {
    return this.#configurations.every((configuration) => configuration.isKnown || configuration.isRefused);
  }

  async #write(plan: Exclude<CertificatePlan, { readonly kind: "keep" }>, signal: AbortSignal): Promise<void> {
    const { namespace, secretName, log } = this.#options;
    const present = this.#secret.current;
    const set = plan.kind === "write" ? plan.set : await this.#draft.setFor(plan);
    await this.#writes.take(signal);
    // Keys take their time: what another replica wrote meanwhile is looked at first.
    if (signal.aborted || this.#secret.current !== present) return;
    const body = secretBody(set, { namespace, name: secretName, present });
    const { collection, path } = this.#secret;
    const answer = present === undefined
      ? await this.#send({ method: "POST", path: collection, body, signal })
      : await this.#send({ method: "PUT", path, body, signal });
    this.#secret.observeWrite(answer);
    const made = { keep: "", write: "nothing", makeServer: "server certificate", makeAuthority: "CA" }[plan.kind];
    log.info(0, "certificates written", { secret: `${namespace}/${secretName}`, made, why: plan.why });
  }

  /** Both are tried, so that what is wrong with one does not keep the other. */
  async #inject(set: CertificateSet, signal: AbortSignal): Promise<void> {
    const results = await Promise.allSettled(
      this.#configurations.map((configuration) => this.#injectInto(configuration, set, signal)),
    );
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
    }
  }

  async #injectInto(
    configuration: WatchedObject<WebhookConfiguration>,
    { authority, previous }: CertificateSet,
    signal: AbortSignal,
  ): Promise<void> {
    const { current, path } = configuration;
    if (current?.isManaged) this.#tellManaged(current.name);
    const authorities = [authority, ...previous];
    const webhooks = current === undefined ? [] : webhooksToMend(current, authorities);
    if (current === undefined || webhooks.length === 0) return;
    await this.#writes.take(signal);
    const body = bundlePatch(current, webhooks, authorities);
    const contentType = "application/strategic-merge-patch+json";
    configuration.observeWrite(await this.#send({ method: "PATCH", path, body, contentType, signal }));
    this.#options.log.info(0, "CA injected", { configuration: current.name, webhooks: webhooks.length });
  }

  /** Whoever turned our own certificates on meant to take it from cert-manager, or forgot to turn them off. */
  #tellManaged(configuration: string): void {
    if (this.#managed.has(configuration)) return;
    this.#managed.add(configuration);
    this.#options.log.info(0, "CA not injected: cert-manager's annotation says that it does that", { configuration });
  }

  async #send(request: KubeRequest): Promise<JsonObject> {
    const answer = await this.#options.client.request({
      ...request,
      timeoutMs: REQUEST_TIMEOUT_MS,
      privileged: true,
      retry: false,
    });
    return asObject(answer) ?? {};
  }

  /** The API server trusts it as much as what is served now, or there is nothing to lose. */
  #mayServeAtOnce({ authority }: CertificateSet, nowMs: number): boolean {
    const served = this.#served;
    if (served === undefined || served.authority.fingerprint === authority.fingerprint) return true;
    return nowMs >= Math.min(served.authority.toMs, served.server.toMs);
  }

  /** Called with every bundle as it should be; how long the API servers may yet need to hear of it. */
  #serveOnceTrusted(set: CertificateSet): number {
    if (this.#served?.authority.fingerprint === set.authority.fingerprint) {
      this.#trusted = undefined;
      return LOOK_AGAIN_MS;
    }
    // A configuration that can't be read may trust the old CA only.
    if (!this.#configurations.every(({ isKnown }) => isKnown)) return LOOK_AGAIN_MS;
    const nowMs = this.#options.clock.monotonic();
    const { fingerprint } = set.authority;
    if (this.#trusted?.fingerprint !== fingerprint) this.#trusted = { fingerprint, sinceMs: nowMs };
    const leftMs = this.#trusted.sinceMs + SPREAD_MS - nowMs;
    if (leftMs > 0) return leftMs;
    this.#serve(set);
    return 0;
  }

  #serve(set: CertificateSet): void {
    const before = this.#served;
    this.#served = set;
    const { certPem, keyPem, names, toMs } = set.server;
    if (before?.server.certPem === certPem && before.server.keyPem === keyPem) return;
    const until = new Date(toMs).toISOString();
    this.#options.log.info(0, "serving certificate", { names: names.join(), until });
    for (const listener of this.#listeners) listener(set.server);
  }
}
