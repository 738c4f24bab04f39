/** The list of an image's components as CycloneDX 1.6 JSON. */
import type { Component } from "./components.ts";

export interface SbomOptions {
  readonly version: string;
  readonly architecture: string;
  /** Of the image's manifest: `sha256:…`. */
  readonly digest: string;
  readonly components: readonly Component[];
}

/** The text has no time and no random number in it: equal images have equal lists. */
export function sbom({ version, architecture, digest, components }: SbomOptions): string {
  const image = {
    "bom-ref": "image",
    type: "container",
    name: "jobset",
    version,
    purl: `pkg:oci/jobset@${encodeURIComponent(digest)}?arch=${architecture}&tag=v${version}`,
    licenses: [{ license: { id: "Apache-2.0" } }],
  };
  const bom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: image },
    components: components.map((component) => ({
      "bom-ref": component.purl,
      type: "library",
      name: component.name,
      version: component.version,
      purl: component.purl,
      ...(component.licence === undefined ? {} : { licenses: [{ expression: component.licence }] }),
    })),
    dependencies: [{ ref: "image", dependsOn: components.map(({ purl }) => purl) }],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}
