import { stringify } from "yaml";
import { crdYaml } from "../api/crd/crd_text.ts";
import type { JsonObject } from "../base/json.ts";
import type { InstallOptions } from "./install_options.ts";
import { installObjects } from "./install_objects.ts";

export type ManifestOptions = InstallOptions & {
  /** Nothing but the CRD. */
  readonly isCrdsOnly: boolean;
  /** The version of this executable. */
  readonly version: string;
};

/** What `jobset manifests` prints: one file that `kubectl apply` takes, plain or server-side. */
export function manifestText(options: ManifestOptions): string {
  const objects = options.isCrdsOnly ? [] : installObjects(options);
  // The namespace first, then the CRD: it is being established while the rest is applied.
  const isNamespace = (object: JsonObject) => object["kind"] === "Namespace";
  const documents = [
    ...objects.filter(isNamespace).map(documentText),
    crdYaml().replace(/^#.*\n/, ""),
    ...objects.filter((object) => !isNamespace(object)).map(documentText),
  ];
  return `# JobSet Lite ${options.version}, as \`jobset manifests\` prints it.\n${documents.join("---\n")}`;
}

/** kubectl reads YAML 1.1, where a bare `on` is no string. */
function documentText(object: JsonObject): string {
  return stringify(object, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}
