import { ClusterAccessError } from "./cluster_access_error.ts";

export interface ProxyOptions {
  /** The kubeconfig's proxy-url. It wins, and NO_PROXY does not touch it, as in client-go. */
  readonly proxyUrl: string | undefined;
  /** The environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY or the same in lower case. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The proxy to reach `server` through, or undefined: directly. Go's rules, not those of Bun's fetch. */
export function proxyFor(server: string, { proxyUrl, env }: ProxyOptions): string | undefined {
  if (proxyUrl !== undefined) return checkedProxy(proxyUrl, "proxy-url of the kubeconfig");
  const url = new URL(server);
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = env[name] || env[name.toLowerCase()];
  if (!value || isExempt(url, env["NO_PROXY"] || env["no_proxy"] || "")) return undefined;
  return checkedProxy(value.includes("://") ? value : `http://${value}`, name);
}

function checkedProxy(proxy: string, what: string): string {
  if (/^https?:\/\//.test(proxy) && URL.canParse(proxy)) return proxy;
  const shown = proxy.replace(/\/\/[^@/]*@/, "//…@");
  throw new ClusterAccessError(`read ${what}: "${shown}" must be a URL that begins with http:// or https://`);
}

/** Loopback is never proxied; `*` exempts all; else one entry of NO_PROXY must match. */
function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  if (host === "localhost" || isInSubnet(host, "127.0.0.0/8") || host === "::1") return true;
  return noProxy.split(",").map((entry) => entry.trim().toLowerCase()).some((entry) => matches(entry, host, port));
}

/** One entry: a domain (itself and what is below it), `.domain` or `*.domain` (only what is below), an address, a CIDR; with a port or without. */
function matches(entry: string, host: string, port: string): boolean {
  if (entry === "") return false;
  if (entry === "*") return true;
  if (entry.includes("/")) return isInSubnet(host, entry);
  const [, bracketed, plain, wantedPort] =
    /^(?:\[(.*)\]|(.*?))(?::(\d+))?$/.exec(net().isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  const name = bracketed ?? plain ?? "";
  if (name === "" || (wantedPort !== undefined && wantedPort !== port)) return false;
  if (net().isIP(name) !== 0 || net().isIP(host) !== 0) return name === host;
  const suffix = name.replace(/^\*\./, ".");
  return suffix.startsWith(".") ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
}

function isInSubnet(host: string, cidr: string): boolean {
  const [network = "", prefix = ""] = cidr.split("/");
  const { BlockList, isIP } = net();
  const family = isIP(network);
  const bits = Number(prefix);
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(prefix) || bits > (family === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family === 6 ? "ipv6" : "ipv4");
  return list.check(host, family === 6 ? "ipv6" : "ipv4");
}

/** Looked up where a proxy is set, which is seldom: importing it costs a megabyte of memory. */
function net(): typeof import("node:net") {
  return process.getBuiltinModule("node:net");
}
