import { createPrivateKey, X509Certificate } from "node:crypto";
import { ClusterAccessError } from "./cluster_access_error.ts";

/** Certificates as they were given, once each has been parsed: TLS itself would only say that it could not open a socket. */
export function checkCertificates(pem: string, what: string): string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new ClusterAccessError(`read ${what}: no PEM certificate in it`);
  for (const block of blocks) parseCertificate(block, what);
  return pem;
}

export interface KeyPairToCheck {
  readonly cert: string;
  readonly key: string;
  /** Where the two come from, for messages. */
  readonly certWhat: string;
  readonly keyWhat: string;
}

/** Throws unless both parse and belong together: files that rotate are replaced one after the other. */
export function checkKeyPair(pair: KeyPairToCheck): void {
  checkCertificates(pair.cert, pair.certWhat);
  const leaf = parseCertificate(pair.cert, pair.certWhat);
  if (!leaf.checkPrivateKey(parseKey(pair.key, pair.keyWhat))) {
    throw new ClusterAccessError(`read ${pair.keyWhat}: it does not belong to ${pair.certWhat}`);
  }
}

function parseCertificate(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new ClusterAccessError(`read ${what}: its PEM certificate does not parse`, { cause });
  }
}

function parseKey(pem: string, what: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new ClusterAccessError(`read ${what}: no usable PEM private key in it`, { cause });
  }
}
