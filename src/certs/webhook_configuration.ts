/** Our two webhook configurations, as far as certificates go (spec 6.2). */
import { asArray, asObject, asString, asStringMap, at, type JsonObject } from "../base/json.ts";
import { type AuthorityCertificate, readBundle } from "./certificate_facts.ts";

export interface WebhookConfiguration {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Kept by cert-manager: its own CA is injected, not ours. */
  readonly isManaged: boolean;
  /** The webhooks that call us: by our Service, or by a URL. */
  readonly webhooks: readonly Webhook[];
}

export interface Webhook {
  readonly name: string;
  /** Of the URL, where it is called by one. */
  readonly host: string | undefined;
  /** As PEM, empty where there is none. */
  readonly bundle: string;
}

export const CONFIGURATIONS = [
  { collection: "mutatingwebhookconfigurations", name: "jobset-mutating-webhook-configuration" },
  { collection: "validatingwebhookconfigurations", name: "jobset-validating-webhook-configuration" },
] as const;

const MANAGED = /^cert-manager\.io\/inject-/;
const HOST = /^(?:[a-z0-9]([-a-z0-9_]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9_]*[a-z0-9])?$/;
const MAX_HOSTS = 20;

/** Reads one of them; foreign entries, which call another Service, are left out. */
export function readWebhookConfiguration(
  object: JsonObject,
  service: { readonly namespace: string; readonly name: string },
): WebhookConfiguration {
  const metadata = asObject(object["metadata"]) ?? {};
  const field = (name: string) => asString(metadata[name]) ?? "";
  const webhooks = asArray(object["webhooks"]).flatMap((webhook): readonly Webhook[] => {
    const client = at(webhook, "clientConfig");
    const url = asString(at(client, "url"));
    const isOurService = asString(at(client, "service", "name")) === service.name &&
      asString(at(client, "service", "namespace")) === service.namespace;
    const name = asString(at(webhook, "name"));
    if (name === undefined || (url === undefined && !isOurService)) return [];
    const bundle = Buffer.from(asString(at(client, "caBundle")) ?? "", "base64").toString("utf8");
    return [{ name, host: url === undefined ? undefined : hostOf(url), bundle }];
  });
  return {
    namespace: "",
    name: field("name"),
    uid: field("uid"),
    resourceVersion: field("resourceVersion"),
    isManaged: Object.keys(asStringMap(metadata["annotations"])).some((key) => MANAGED.test(key)),
    webhooks,
  };
}

/** The hosts of all URLs, each once. */
export function hostsOf(configurations: readonly WebhookConfiguration[]): readonly string[] {
  const hosts = configurations.flatMap(({ webhooks }) => webhooks.map(({ host }) => host));
  return [...new Set(hosts.filter((host) => host !== undefined))].slice(0, MAX_HOSTS);
}

/** The webhooks whose bundle is another one than these CAs, in whatever order and with whatever white space. */
export function webhooksToMend(
  { isManaged, webhooks }: WebhookConfiguration,
  authorities: readonly AuthorityCertificate[],
): readonly Webhook[] {
  if (isManaged) return [];
  const wanted = fingerprints(authorities);
  return webhooks.filter(({ bundle }) => fingerprints(readBundle(bundle)) !== wanted);
}

/**
 * A strategic merge patch that sets the bundle of these webhooks and nothing else. With the version that was read: a webhook
 * that is gone by now would be added.
 */
export function bundlePatch(
  { resourceVersion }: WebhookConfiguration,
  webhooks: readonly Webhook[],
  authorities: readonly AuthorityCertificate[],
): JsonObject {
  const caBundle = Buffer.from(bundleText(authorities)).toString("base64");
  return {
    metadata: { resourceVersion },
    webhooks: webhooks.map(({ name }) => ({ name, clientConfig: { caBundle } })),
  };
}

export function bundleText(authorities: readonly AuthorityCertificate[]): string {
  return authorities.map(({ pem }) => pem).join("");
}

function fingerprints(authorities: readonly AuthorityCertificate[]): string {
  return authorities.map(({ fingerprint }) => fingerprint).sort().join();
}

/** As a certificate names it: lower case, an IPv6 address without brackets. */
function hostOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const host = new URL(url).hostname.replace(/\.$/, "");
  if (host.startsWith("[")) return host.slice(1, -1);
  return HOST.test(host) ? host : undefined;
}
