import { expect, test } from "bun:test";
import { createSecureContext } from "node:tls";
import { isCipherSuite, leavesNothing, OPENSSL_CIPHERS, servedCipherSuites } from "./cipher_suites.ts";

test("the TLS library knows every suite that is served", () => {
  for (const [name, ciphers] of Object.entries(OPENSSL_CIPHERS)) {
    expect(() => createSecureContext({ ciphers }), name).not.toThrow();
  }
});

test("names of TLS 1.3, older names and broken suites are known, others are not", () => {
  for (
    const name of [
      "TLS_AES_128_GCM_SHA256",
      "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
      "TLS_RSA_WITH_RC4_128_SHA",
      "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    ]
  ) expect(isCipherSuite(name), name).toBe(true);
  for (const name of ["TLS_NULL", "toString", "", "ECDHE-RSA-AES128-SHA"]) {
    expect(isCipherSuite(name), name).toBe(false);
  }
});

test("what is served is served once, under its present name, in the order given", () => {
  expect(servedCipherSuites([
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  ])).toEqual(["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"]);
});

test("broken suites alone leave nothing; names of TLS 1.3 alone leave the choice open", () => {
  expect(leavesNothing([])).toBe(false);
  expect(leavesNothing(["TLS_AES_128_GCM_SHA256"])).toBe(false);
  expect(leavesNothing(["TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_RC4_128_SHA"])).toBe(true);
  expect(leavesNothing(["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_RC4_128_SHA"])).toBe(false);
});
