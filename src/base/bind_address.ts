/** Where a server listens. */
export interface BindAddress {
  /** Without brackets; undefined: every address, IPv4 and IPv6. */
  readonly host: string | undefined;
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]\s]*)):(\d{1,5})$/;

/**
 * Reads an address as Go writes it (`:8081`, `127.0.0.1:8081`, `localhost:8081`, `[::1]:8081`).
 * "off" where it is `0`, undefined where it is no address.
 */
export function parseBindAddress(text: string): BindAddress | "off" | undefined {
  if (text === "0") return "off";
  const [, bracketed, plain, portText] = ADDRESS.exec(text) ?? [];
  const port = Number(portText);
  if (portText === undefined || port > 65_535) return undefined;
  const host = bracketed ?? plain;
  return { host: host === undefined || host === "" ? undefined : host, port };
}
