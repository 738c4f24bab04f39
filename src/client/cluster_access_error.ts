import { messageOf } from "../base/message_of.ts";

/** The cluster cannot be reached as configured: one line that says what to do. Retrying does not help. */
export class ClusterAccessError extends Error {
  override readonly name = "ClusterAccessError";
}

/** What an error of the file system found, in words. */
export function fileErrorWords(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return FILE_ERROR_WORDS[code] ?? messageOf(error);
}

const FILE_ERROR_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
};
