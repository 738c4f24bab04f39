/** Everything that the controller is told from outside, checked and with its defaults (spec 6.1). */
export interface ControllerSettings {
  /** A kubeconfig file; undefined: KUBECONFIG, then in-cluster, then `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
  /** The context of that file; undefined: its current one. */
  readonly context: string | undefined;
  /** The only namespace that is watched and reconciled; undefined: all of them. */
  readonly namespace: string | undefined;
  /** Requests per second to the API server. */
  readonly kubeApiQps: number;
  /** Requests that may go out at once after a pause. */
  readonly kubeApiBurst: number;
  /** What is logged: entries V(n) up to this n; -1 errors only. */
  readonly logVerbosity: number;
  /** Where `/healthz` and `/readyz` are served; `0`: nowhere. */
  readonly healthProbeBindAddress: string;
}

export const DEFAULT_SETTINGS: ControllerSettings = {
  kubeconfig: undefined,
  context: undefined,
  namespace: undefined,
  kubeApiQps: 500,
  kubeApiBurst: 500,
  logVerbosity: 0,
  healthProbeBindAddress: ":8081",
};
