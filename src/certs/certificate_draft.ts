import type { Clock } from "../base/clock.ts";
import { readFacts } from "./certificate_facts.ts";
import type { CertificateMaker } from "./certificate_maker.ts";
import type { CertificatePlan, CertificateSet } from "./certificate_plan.ts";
import { bundleText } from "./webhook_configuration.ts";

type MakePlan = Extract<CertificatePlan, { readonly kind: "makeServer" | "makeAuthority" }>;

/** What was made and not yet written: a write that is tried again does not search for primes again. */
export class CertificateDraft {
  readonly #clock: Clock;
  readonly #maker: CertificateMaker;
  #made: { readonly key: string; readonly set: CertificateSet } | undefined;

  constructor(clock: Clock, maker: CertificateMaker) {
    this.#clock = clock;
    this.#maker = maker;
  }

  /** The set that the plan asks for, made at most once. */
  async setFor(plan: MakePlan): Promise<CertificateSet> {
    const { why: _, ...asked } = plan;
    const key = JSON.stringify(asked);
    if (this.#made?.key !== key) this.#made = { key, set: await this.#make(plan) };
    return this.#made.set;
  }

  forget(): void {
    this.#made = undefined;
  }

  async #make(plan: MakePlan): Promise<CertificateSet> {
    const nowMs = this.#clock.now();
    const issuer = plan.kind === "makeAuthority"
      ? await this.#maker.makeAuthority(nowMs)
      : { certPem: plan.authority.pem, keyPem: plan.authority.keyPem };
    const server = await this.#maker.makeServer({ issuer, names: plan.names, nowMs });
    const facts = readFacts({
      caCrt: issuer.certPem + bundleText(plan.previous),
      caKey: issuer.keyPem,
      tlsCrt: server.certPem,
      tlsKey: server.keyPem,
    });
    if (facts.authority === undefined || facts.server === undefined) {
      throw new Error(`make certificates: they do not read back: ${facts.flaw}`);
    }
    return { authority: facts.authority, previous: facts.previous, server: facts.server };
  }
}
