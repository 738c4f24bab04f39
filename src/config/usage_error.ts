/** What was typed or written in a file can't be used: the message goes to the user as it is, the exit code is 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
