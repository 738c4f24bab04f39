/** What a TLS server shows: its certificate, with the chain below it if there is one, and the private key, both as PEM. */
export interface ServingCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}
