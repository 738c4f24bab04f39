import type { Clock } from "../base/clock.ts";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import { type CertificateMaker, certificateMaker } from "./certificate_maker.ts";
import type { CertificateSource } from "./certificate_source.ts";

/**
 * A certificate that signs itself, for servers whose clients check none: metrics where no folder of certificates is configured
 * (spec 6.1). It is good for ten years, and each process makes its own.
 */
export class SelfSignedCertificate implements CertificateSource {
  readonly #clock: Clock;
  readonly #maker: Pick<CertificateMaker, "makeAuthority">;
  readonly #listeners: ((certificate: ServingCertificate) => void)[] = [];
  #current: ServingCertificate | undefined;

  constructor({ clock, maker = certificateMaker }: {
    readonly clock: Clock;
    readonly maker?: Pick<CertificateMaker, "makeAuthority">;
  }) {
    this.#clock = clock;
    this.#maker = maker;
  }

  get current(): ServingCertificate | undefined {
    return this.#current;
  }

  get problem(): string | undefined {
    return this.#current === undefined ? "the certificate is not made yet" : undefined;
  }

  onChange(listener: (certificate: ServingCertificate) => void): void {
    this.#listeners.push(listener);
  }

  /** Makes the certificate; then there is nothing more to do. */
  async run(signal: AbortSignal): Promise<void> {
    const made = await this.#maker.makeAuthority(this.#clock.now());
    if (signal.aborted) return;
    this.#current = made;
    for (const listener of this.#listeners) listener(made);
  }
}
