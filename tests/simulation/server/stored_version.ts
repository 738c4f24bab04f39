import type { JsonObject } from "../../../src/base/json.ts";
import { metadataOf, typedMetadata } from "./metadata.ts";
import type { ResourceInfo } from "./resource_info.ts";

/** A spec stays the same object over many versions of its status, and so does its text. */
interface SpecText {
  readonly spec: unknown;
  text: string | undefined;
}

/** One version of an object, and its text, made once however often it is sent. */
export class StoredVersion {
  readonly info: ResourceInfo;
  readonly object: JsonObject;
  readonly version: number;
  readonly #specText: SpecText;
  #text: string | undefined;
  #metadataText: string | undefined;

  constructor(info: ResourceInfo, object: JsonObject, { version, previous }: {
    readonly version: number;
    readonly previous?: StoredVersion | undefined;
  }) {
    this.info = info;
    this.object = object;
    this.version = version;
    const spec = object["spec"];
    const known = previous === undefined ? undefined : previous.#specText;
    this.#specText = known !== undefined && known.spec === spec ? known : { spec, text: undefined };
  }

  /** The whole object. */
  get text(): string {
    return this.#text ??= this.#write();
  }

  /** As an entry of a list, which for built-in kinds names no kind. */
  get itemText(): string {
    const { info, text } = this;
    return info.isCustom ? text : `{${text.slice(kindText(info).length)}`;
  }

  /** As PartialObjectMetadata. */
  get metadataText(): string {
    return this.#metadataText ??= `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":${
      JSON.stringify(typedMetadata(metadataOf(this.object)))
    }}`;
  }

  /** As the real server does: who reads only the beginning of a line must find there what it looks for. */
  #write(): string {
    const { info, object } = this;
    let text = kindText(info);
    let comma = "";
    for (const field in object) {
      if (field === "kind" || field === "apiVersion" || object[field] === undefined) continue;
      text += `${comma}"${field}":${field === "spec" ? this.#writeSpec() : JSON.stringify(object[field])}`;
      comma = ",";
    }
    return `${text}}`;
  }

  #writeSpec(): string {
    return this.#specText.text ??= JSON.stringify(this.#specText.spec);
  }
}

/** How the text of an object of this resource begins. */
export function kindText({ isCustom, kind, apiVersion }: ResourceInfo): string {
  return isCustom
    ? `{"apiVersion":"${apiVersion}","kind":"${kind}",`
    : `{"kind":"${kind}","apiVersion":"${apiVersion}",`;
}
