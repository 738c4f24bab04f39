/** One container of a Pod as the kubelet sees it, whatever plays it. */

/** What a container tells its Pod. */
export type ContainerEvent =
  | { readonly kind: "running" }
  | { readonly kind: "startedUp" }
  | { readonly kind: "ready"; readonly isReady: boolean }
  | { readonly kind: "exited"; readonly exitCode: number; readonly message: string };

/** The player of a container: a fate with timers (fated_container.ts) or a real process (process_container.ts). */
export interface ContainerPlayer {
  start(): void;
  /** Ends it; resolves when it has exited. */
  stop(graceMs: number): Promise<void>;
  /** Forgets it without a further event. */
  dispose(): void;
}

export type ContainerListener = (event: ContainerEvent) => void;

export type ContainerPhase =
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "running"; readonly startedAt: string }
  | ExitedPhase;

export interface ExitedPhase {
  readonly kind: "exited";
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly exitCode: number;
  readonly message: string;
}

/** The state of a container, from which its part of the Pod's status follows. */
export interface ContainerState {
  readonly name: string;
  readonly image: string;
  readonly role: "init" | "sidecar" | "main";
  phase: ContainerPhase;
  lastExit: ExitedPhase | undefined;
  isReady: boolean;
  isStartedUp: boolean;
  restartCount: number;
}
