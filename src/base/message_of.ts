/** What something that was thrown says: an Error's message, or whatever else it is as text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
