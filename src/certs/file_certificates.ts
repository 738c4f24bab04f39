import { messageOf } from "../base/message_of.ts";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ServingCertificate } from "../base/serving_certificate.ts";
import { checkKeyPair } from "../client/pem.ts";
import type { CertificateSource } from "./certificate_source.ts";
import { servingProblem } from "./serving_problem.ts";

export interface FileCertificatesOptions {
  /** The folder of `tls.crt` and `tls.key`: a mounted Secret, as cert-manager fills it. */
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Each time that the files were read, which happens only as they change or while they are bad: for metrics. */
  readonly onRead?: ((isGood: boolean) => void) | undefined;
}

/**
 * How often the files are looked at. Asking for their state costs microseconds, and works where notifications do not: through the
 * links by which Kubernetes swaps the files of a mounted Secret, and on network file systems.
 */
const LOOK_MS = 2000;

/** Spec 6.2, internalCertManagement off: somebody else renews the files, and they are read again as they change. */
export class FileCertificates implements CertificateSource {
  readonly #options: FileCertificatesOptions;
  readonly #listeners: ((certificate: ServingCertificate) => void)[] = [];
  #current: ServingCertificate | undefined;
  /** The state of the files that were read last. */
  #state: string | undefined;
  #problem: string | undefined;

  constructor(options: FileCertificatesOptions) {
    this.#options = options;
  }

  get current(): ServingCertificate | undefined {
    return this.#current;
  }

  /** Once there is a certificate, bad files are only told of: the one before goes on being served. */
  get problem(): string | undefined {
    if (this.#current !== undefined) return undefined;
    return `certificates: ${this.#problem ?? `"${this.#options.dir}" is not read yet`}`;
  }

  onChange(listener: (certificate: ServingCertificate) => void): void {
    this.#listeners.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look();
      await this.#pause(signal);
    }
  }

  async #look(): Promise<void> {
    const { onRead } = this.#options;
    const state = await this.#stateOf();
    if (state !== undefined && state === this.#state) return;
    const pair = await this.#read();
    // Read between two renames, the files are no pair, or are one that has been replaced since: they are read again next time.
    this.#state = pair !== undefined && state === await this.#stateOf() ? state : undefined;
    if (pair === undefined || this.#state === undefined) return onRead?.(false);
    onRead?.(true);
    if (pair.certPem === this.#current?.certPem && pair.keyPem === this.#current.keyPem) return;
    this.#current = pair;
    this.#options.log.info(0, "serving certificate", { dir: this.#options.dir });
    for (const listener of this.#listeners) listener(pair);
  }

  get #files(): readonly [string, string] {
    const { dir } = this.#options;
    return [join(dir, "tls.crt"), join(dir, "tls.key")];
  }

  /** What changes whenever a file is replaced or written; undefined where one is not there. */
  async #stateOf(): Promise<string | undefined> {
    try {
      const states = await Promise.all(this.#files.map((file) => stat(file, { bigint: true })));
      return states.map(({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join()).join(" ");
    } catch {
      return undefined; // Reading them tells what is wrong.
    }
  }

  async #read(): Promise<ServingCertificate | undefined> {
    const [certFile, keyFile] = this.#files;
    try {
      // One after the other, so that of two missing files the same is named each time.
      const certPem = await readText(certFile);
      const keyPem = await readText(keyFile);
      checkKeyPair({ cert: certPem, key: keyPem, certWhat: `"${certFile}"`, keyWhat: `"${keyFile}"` });
      const problem = servingProblem({ certPem, keyPem });
      if (problem !== undefined) throw new Error(`read "${certFile}": it can't be served: ${problem}`);
      this.#problem = undefined;
      return { certPem, keyPem };
    } catch (error) {
      this.#tell(messageOf(error));
      return undefined;
    }
  }

  #tell(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const what = this.#current === undefined ? "no certificate yet" : "the former certificate is kept";
    this.#options.log.error(`cannot read certificates: ${what}`, { error: problem });
  }

  /** Resolves, whether the time is up or the signal aborts. */
  #pause(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(LOOK_MS, resolve);
    const onAbort = () => resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) resolve();
    return promise.finally(() => {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
    });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const why = code === "ENOENT" ? "no such file" : messageOf(cause);
    throw new Error(`read "${file}": ${why}`, { cause });
  }
}
