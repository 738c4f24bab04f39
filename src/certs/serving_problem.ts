import { messageOf } from "../base/message_of.ts";
import { createSecureContext } from "node:tls";
import type { ServingCertificate } from "../base/serving_certificate.ts";

/**
 * Why a TLS server can't serve this pair, in OpenSSL's words; undefined where it can. A certificate that parses may stand beside
 * others that do not, and then none of them is served.
 */
export function servingProblem({ certPem, keyPem }: ServingCertificate): string | undefined {
  try {
    createSecureContext({ cert: certPem, key: keyPem });
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
