import { ServerRefusal } from "../server/server_refusal.ts";

/** What the action gives, or undefined where the server refuses it. */
export function tryTo<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof ServerRefusal) return undefined;
    throw error;
  }
}
