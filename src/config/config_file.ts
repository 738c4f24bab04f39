/** Reads the file of `--config`. Loaded only then. */
import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { ConfigFileError } from "./config_file_error.ts";
import { fieldPath } from "./field_path.ts";
import { FileSchema, type FileValues } from "./file_schema.ts";
import { readYaml } from "./yaml_document.ts";

export interface ConfigFile {
  readonly path: string;
  /** Checked field by field; what is absent or zero is undefined. */
  readonly values: NonNullable<FileValues>;
  /** `line:column` of each field that the file gives, by its path. */
  readonly positions: Readonly<Record<string, string>>;
}

/** Mistakes that are told at once; the rest is counted. */
const MAX_PROBLEMS = 20;

/** Files are read whole: one that is longer is no configuration. */
const MAX_BYTES = 1024 * 1024;
const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EISDIR: "this is a directory",
};

/** Throws a ConfigFileError where it can't be read or used. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    throw new ConfigFileError([`read --config "${path}": ${FILE_ERRORS[code] ?? code}`]);
  }
  if (text.length > MAX_BYTES) throw new ConfigFileError([`read --config "${path}": longer than ${MAX_BYTES} bytes`]);
  return parseConfigFile(text, path);
}

/** Throws a ConfigFileError with one line for each mistake, in the order of the file. */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const { value, positions, problems } = readYaml(text);
  if (problems.length > 0) throw failure(path, problems);
  const result = v.safeParse(FileSchema, value);
  if (result.success) return { path, values: result.output ?? {}, positions };
  throw failure(
    path,
    result.issues.map((issue) => {
      const field = fieldPath(issue.path?.map(({ key }) => typeof key === "number" ? key : String(key)) ?? []);
      return { position: positions[field] ?? "1:1", text: field === "" ? issue.message : `${field}: ${issue.message}` };
    }),
  );
}

function failure(path: string, problems: readonly { readonly position: string; readonly text: string }[]): Error {
  const sorted = [...problems].sort((left, right) => byPosition(left.position, right.position));
  const told = sorted.slice(0, MAX_PROBLEMS).map(({ position, text }) => `${path}:${position}: ${text}`);
  const rest = sorted.length - told.length;
  return new ConfigFileError(rest > 0 ? [...told, `${path}: ${rest} more mistakes`] : told);
}

/** Positions are `line:column`. */
function byPosition(left: string, right: string): number {
  const [leftLine = 0, leftColumn = 0] = left.split(":").map(Number);
  const [rightLine = 0, rightColumn = 0] = right.split(":").map(Number);
  return leftLine - rightLine || leftColumn - rightColumn;
}
