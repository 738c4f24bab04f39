import text from "../../../crds/jobset.x-k8s.io_jobsets.yaml" with { type: "text" };

/** The CRD as the executable carries it. Only Bun reads such an import: nothing that `mod.ts` exports may need this. */
export function crdYaml(): string {
  return text;
}
