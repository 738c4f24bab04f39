import { join } from "node:path";

/** Where the HTTP server behind the TLS listens. */
export type InnerPlace = { readonly path: string } | { readonly port: number };

/** What decides it, of the process. */
export interface InnerPlaceInput {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** No other server has the same. */
  readonly id: string;
}

/**
 * A socket in the folder that systemd made for us alone, where there is one: on a node that others use, any user may connect to
 * the rest, past the limits of the front. Else one without a name in the file system, as the image has no place to write to;
 * those are Linux's own, and elsewhere a port of the loopback interface does.
 */
export function innerPlace({ platform, env, id }: InnerPlaceInput): InnerPlace {
  if (platform !== "linux") return { port: 0 };
  // systemd writes several folders with colons between them.
  const [folder = ""] = (env["RUNTIME_DIRECTORY"] ?? "").split(":");
  return { path: folder === "" ? `\0jobset-${id}` : join(folder, `${id}.sock`) };
}
