/**
 * What has to happen to the Secret of spec 6.2, decided from what is in it, what this process remembers and serves, and the time.
 *
 * The Secret is the truth that all replicas share: a sound set in it is taken whoever wrote it, so that replicas never fight.
 * ca.crt holds the CA and after it those that it replaced, for as long as one of their certificates may still be served: the
 * bundle that is injected is ca.crt, and so every replica, also a reference one, wants the same bundle.
 */
import type { Authority, AuthorityCertificate, CertificateFacts, Server } from "./certificate_facts.ts";

/** All that the Secret is to hold. */
export interface CertificateSet {
  readonly authority: Authority;
  readonly previous: readonly AuthorityCertificate[];
  readonly server: Server;
}

export type CertificatePlan =
  /** The Secret is good until then. */
  | { readonly kind: "keep"; readonly set: CertificateSet; readonly goodUntilMs: number }
  | { readonly kind: "write"; readonly set: CertificateSet; readonly why: string }
  /** A server certificate is to be made, with these names. */
  | {
    readonly kind: "makeServer";
    readonly authority: Authority;
    readonly previous: readonly AuthorityCertificate[];
    readonly names: readonly string[];
    readonly why: string;
  }
  /** A CA too. */
  | {
    readonly kind: "makeAuthority";
    readonly previous: readonly AuthorityCertificate[];
    readonly names: readonly string[];
    readonly why: string;
  };

export interface PlanInput {
  /** What the Secret holds; without any facts where there is no Secret. */
  readonly stored: CertificateFacts;
  /** The last good set that the Secret held, as far as this process knows. */
  readonly remembered: CertificateSet | undefined;
  /** The CA of the certificate that is served now. */
  readonly served: AuthorityCertificate | undefined;
  /** The CAs of ours that the webhook configurations trust now. */
  readonly bundled: readonly AuthorityCertificate[];
  readonly names: CertificateNames;
  readonly nowMs: number;
}

export interface CertificateNames {
  /** A certificate without one of these is for another name. */
  readonly required: readonly string[];
  /** What a new certificate has as well. */
  readonly wanted: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Spec 6.2: renewed 90 days before the end, as a reference replica does. */
export const RENEW_BEFORE_MS = 90 * DAY_MS;
/** Long after a new CA came, no replica serves a certificate of the one before. */
const CHANGEOVER_MS = 7 * DAY_MS;
const MAX_PREVIOUS = 3;
const MAX_NAMES = 40;

export function planCertificates(input: PlanInput): CertificatePlan {
  const { stored, remembered, nowMs } = input;
  const base = [stored, remembered].find((it) => it?.authority !== undefined && isFresh(it.authority, nowMs));
  const authority = base?.authority;
  if (base === undefined || authority === undefined) return makeAuthority(input);
  const isStored = base === stored;
  const previous = previousOf(authority, base.previous, input);
  const server = [stored.server, remembered?.server].find((it) =>
    it !== undefined && isFresh(it, nowMs) && hasNames(it, input) && isOf(authority, it, input)
  );
  if (server === undefined) {
    const why = reasonForServer(base.server, input);
    return { kind: "makeServer", authority, previous, names: namesFor(base.server, input), why };
  }
  const set = { authority, previous, server };
  if (!isStored || server !== stored.server) return { kind: "write", set, why: stored.flaw ?? "it has ended" };
  if (input.served !== undefined && isMissing(input.served, stored, nowMs)) {
    return { kind: "write", set, why: "the CA is another one: the former one stays trusted for now" };
  }
  const goodUntilMs = Math.min(authority.toMs, server.toMs) - RENEW_BEFORE_MS;
  return { kind: "keep", set: { ...set, previous: stored.previous }, goodUntilMs };
}

function makeAuthority(input: PlanInput): CertificatePlan {
  const { stored, remembered, served, bundled, nowMs } = input;
  const known = [
    served,
    ...[stored, remembered].flatMap((it) => it === undefined ? [] : [it.authority, ...it.previous]),
    stored.foreign,
    ...bundled,
  ];
  const old = stored.authority ?? remembered?.authority;
  const why = old === undefined ? stored.flaw ?? "nothing in it" : ending("the CA", old, nowMs);
  return { kind: "makeAuthority", previous: trusted(known, nowMs), names: namesFor(stored.server, input), why };
}

/** The CAs that stay trusted beside this one at the next write. */
function previousOf(
  authority: Authority,
  listed: readonly AuthorityCertificate[],
  { served, nowMs }: PlanInput,
): readonly AuthorityCertificate[] {
  const isSettled = nowMs - authority.fromMs > CHANGEOVER_MS;
  const others = [served, ...(isSettled ? [] : listed)];
  return trusted(others.filter((other) => other?.fingerprint !== authority.fingerprint), nowMs);
}

/** Each once, none that has ended. */
function trusted(
  authorities: readonly (AuthorityCertificate | undefined)[],
  nowMs: number,
): readonly AuthorityCertificate[] {
  const unique = new Map<string, AuthorityCertificate>();
  for (const authority of authorities) {
    if (authority === undefined || nowMs >= authority.toMs || unique.has(authority.fingerprint)) continue;
    unique.set(authority.fingerprint, { ...withoutKey(authority) });
  }
  return [...unique.values()].slice(0, MAX_PREVIOUS);
}

function withoutKey({ pem, fingerprint, fromMs, toMs }: AuthorityCertificate): AuthorityCertificate {
  return { pem, fingerprint, fromMs, toMs };
}

function isMissing(served: AuthorityCertificate, stored: CertificateFacts, nowMs: number): boolean {
  if (nowMs >= served.toMs) return false;
  return ![stored.authority, ...stored.previous].some((it) => it?.fingerprint === served.fingerprint);
}

function isFresh({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }, nowMs: number): boolean {
  return fromMs <= nowMs && nowMs < toMs - RENEW_BEFORE_MS;
}

function hasNames(server: Server, { names }: PlanInput): boolean {
  return names.required.every((name) => server.names.includes(name));
}

/** A server certificate belongs to the CA that it was found with. */
function isOf(authority: Authority, server: Server, { stored, remembered }: PlanInput): boolean {
  const issuer = server === stored.server ? stored.authority : remembered?.authority;
  return issuer?.fingerprint === authority.fingerprint;
}

/** The names of the present one stay: two replicas that know of different names must not take turns. */
function namesFor(present: Server | undefined, { names }: PlanInput): readonly string[] {
  return [...new Set([...names.required, ...names.wanted, ...(present?.names ?? [])])].slice(0, MAX_NAMES);
}

function reasonForServer(server: Server | undefined, input: PlanInput): string {
  if (server === undefined) return input.stored.flaw ?? "no server certificate";
  const missing = input.names.required.find((name) => !server.names.includes(name));
  return missing === undefined ? ending("the server certificate", server, input.nowMs) : `it is not for "${missing}"`;
}

function ending(
  what: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  nowMs: number,
): string {
  if (nowMs < fromMs) return `${what} is not valid yet`;
  const days = Math.floor((toMs - nowMs) / DAY_MS);
  return nowMs >= toMs ? `${what} has expired` : `${what} has ${days} days left`;
}
