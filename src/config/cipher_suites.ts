/** The TLS 1.2 suites that can be served: IANA names and what OpenSSL calls them. */
export const OPENSSL_CIPHERS: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: "ECDHE-ECDSA-AES128-SHA256",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: "ECDHE-RSA-AES128-SHA256",
  TLS_RSA_WITH_AES_128_GCM_SHA256: "AES128-GCM-SHA256",
  TLS_RSA_WITH_AES_256_GCM_SHA384: "AES256-GCM-SHA384",
  TLS_RSA_WITH_AES_128_CBC_SHA: "AES128-SHA",
  TLS_RSA_WITH_AES_256_CBC_SHA: "AES256-SHA",
  TLS_RSA_WITH_3DES_EDE_CBC_SHA: "DES-CBC3-SHA",
};

/** Names that Go programs take and that change nothing here: TLS 1.3 has its own suites, and the rest is broken or gone. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_RSA_WITH_RC4_128_SHA",
  "TLS_RSA_WITH_AES_128_CBC_SHA256",
  "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
  "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
]);

const TLS_1_3 = /^TLS_(?:AES|CHACHA20)_/;

/** Kubernetes components take these two under their older names as well. */
const OLD_NAME = /^TLS_ECDHE_(?:RSA|ECDSA)_WITH_CHACHA20_POLY1305$/;

export function isCipherSuite(name: string): boolean {
  return Object.hasOwn(OPENSSL_CIPHERS, presentName(name)) || WITHOUT_EFFECT.has(name);
}

/** Those of the names that choose something, under their present names. */
export function servedCipherSuites(names: readonly string[]): readonly string[] {
  return [...new Set(names.map(presentName))].filter((name) => Object.hasOwn(OPENSSL_CIPHERS, name));
}

/** Something was chosen for TLS 1.2, but nothing of it can be served. */
export function leavesNothing(names: readonly string[]): boolean {
  return names.some((name) => !TLS_1_3.test(name)) && servedCipherSuites(names).length === 0;
}

function presentName(name: string): string {
  return OLD_NAME.test(name) ? `${name}_SHA256` : name;
}
