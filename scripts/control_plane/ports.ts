import { createServer } from "node:net";

/**
 * Free loopback ports. They are taken below the range that systems hand to outgoing connections (32768 and up), so that no
 * connection can sit on the API server's port while it restarts.
 */
const FIRST_PORT = 11_000;
const LAST_PORT = 31_999;
const MAX_TRIES = 200;

/** `count` different ports that nobody listens on now. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count && tries < MAX_TRIES; tries += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) ports.add(port);
  }
  if (ports.size < count) throw new Error(`find free ports: only ${ports.size} of ${count} in ${MAX_TRIES} tries`);
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}
