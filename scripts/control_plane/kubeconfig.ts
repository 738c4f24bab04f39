export interface KubeconfigOptions {
  readonly url: string;
  readonly caPem: string;
  readonly user: string;
  readonly token: string;
  readonly namespace?: string;
}

/** A kubeconfig with one cluster and one user. It is JSON, which every reader of YAML takes. */
export function kubeconfigText(options: KubeconfigOptions): string {
  const context = {
    cluster: "jobset-lite",
    user: options.user,
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
  };
  const cluster = {
    server: options.url,
    "certificate-authority-data": Buffer.from(options.caPem).toString("base64"),
  };
  return `${
    JSON.stringify(
      {
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "jobset-lite", cluster }],
        users: [{ name: options.user, user: { token: options.token } }],
        contexts: [{ name: "jobset-lite", context }],
        "current-context": "jobset-lite",
      },
      null,
      2,
    )
  }\n`;
}
