import { parseAllDocuments } from "yaml";
import { asArray, asString, at } from "../../src/base/json.ts";
import { UsageError } from "./options.ts";

const API_VERSION = "jobset.x-k8s.io/v1alpha2";
const DEFAULT_NAMESPACE = "default";

/** What is applied, and which JobSets it has. */
export interface JobSetFile {
  readonly text: string;
  /** As `namespace/name`. */
  readonly keys: readonly string[];
  /** Namespaces that must be there first; a file may create them itself. */
  readonly namespaces: readonly string[];
}

/** Looks into a file before anything is started, so that a mistake costs no time. */
export function readJobSetFile(text: string, name: string): JobSetFile {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) throw new UsageError(`read ${name}: it is empty`);
  const objects = documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw new UsageError(`read ${name}: no YAML: ${error.message.split("\n")[0]?.replace(/:$/, "")}`);
    }
    const object: unknown = document.toJS();
    return at(object, "kind") === "List" ? asArray(at(object, "items")) : [object];
  });
  const jobSets = objects.filter((object) => at(object, "kind") === "JobSet");
  if (jobSets.length === 0) throw new UsageError(`read ${name}: there is no JobSet in it`);
  for (const jobSet of jobSets) check(jobSet, name);
  const created = objects.filter((object) => at(object, "kind") === "Namespace").map(nameOf);
  const namespaces = new Set(jobSets.map(namespaceOf));
  return {
    text,
    keys: jobSets.map((jobSet) => `${namespaceOf(jobSet)}/${nameOf(jobSet)}`),
    namespaces: [...namespaces].filter((namespace) => namespace !== DEFAULT_NAMESPACE && !created.includes(namespace)),
  };
}

function check(jobSet: unknown, file: string): void {
  const version = asString(at(jobSet, "apiVersion")) ?? "";
  if (version !== API_VERSION) {
    throw new UsageError(`read ${file}: the JobSet's apiVersion is "${version}", not "${API_VERSION}"`);
  }
  if (nameOf(jobSet) === "") throw new UsageError(`read ${file}: a JobSet has no metadata.name`);
}

function nameOf(object: unknown): string {
  return asString(at(object, "metadata", "name")) ?? "";
}

function namespaceOf(object: unknown): string {
  return asString(at(object, "metadata", "namespace")) ?? DEFAULT_NAMESPACE;
}
