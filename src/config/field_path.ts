/** A place in the configuration as people write it: `webhook.port`, `tls.cipherSuites[1]`. */
export function fieldPath(keys: readonly (string | number)[]): string {
  let path = "";
  for (const key of keys) path += typeof key === "number" ? `[${key}]` : path === "" ? key : `.${key}`;
  return path;
}
