/** What the action gives, or undefined where the server refuses it. */
export function tryTo<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Error && error.constructor.name === "ServerRefusal") return undefined;
    throw error;
  }
}
