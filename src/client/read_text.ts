import { ClusterAccessError, fileErrorWords } from "./cluster_access_error.ts";

/** A file's text. What cannot be read is an error of one line. (Bun.file: the agent does without node:fs, which costs a MB.) */
export async function readText(path: string, what: string): Promise<string>;
export async function readText(path: string, what: string, missing: "missing is fine"): Promise<string | undefined>;
export async function readText(path: string, what: string, missing?: "missing is fine"): Promise<string | undefined> {
  try {
    return await Bun.file(path).text();
  } catch (cause) {
    const words = fileErrorWords(cause);
    if (missing !== undefined && words === "no such file") return undefined;
    throw new ClusterAccessError(`read ${what} "${path}": ${words}`, { cause });
  }
}
