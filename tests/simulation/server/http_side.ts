/** Requests as they come over HTTP, made calls of the writer and the store, and their answers as text. */
import { asInteger, asObject, asString, at, type JsonObject } from "../../../src/base/json.ts";
import type { ServerAnswer, ServerRequest, ServerStream } from "../types.ts";
import { ListPages, versionOf } from "./list_pages.ts";
import { metadataOf, nameOf, namespaceOf, textOf, timestamp, uidOf, withMetadata } from "./metadata.ts";
import type { ObjectStore } from "./object_store.ts";
import { type ObjectWriter, withKind } from "./object_writer.ts";
import { patched } from "./patches.ts";
import { readBody } from "./request_body.ts";
import { parsePath, type ResourceInfo, type Target } from "./resource_info.ts";
import { selectionMatcher } from "./selectors.ts";
import {
  alreadyBound,
  badRequest,
  forbiddenField,
  invalidField,
  invalidOptions,
  noResourceVersion,
  notAllowed,
  notServed,
  ServerRefusal,
  tooLargeVersion,
  tooOld,
  unsupportedField,
} from "./server_refusal.ts";
import type { StoredVersion } from "./stored_version.ts";
import { WatchStream } from "./watch_stream.ts";

export interface HttpSideOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly now: () => number;
}

type Named = Target & { readonly namespace: string; readonly name: string };

const POLICIES = ["Foreground", "Background", "Orphan"];
const METADATA = "as=PartialObjectMetadata;";
const METADATA_LIST = "as=PartialObjectMetadataList;";

export class HttpSide {
  readonly #options: HttpSideOptions;
  readonly #pages: ListPages;

  constructor(options: HttpSideOptions) {
    this.#options = options;
    this.#pages = new ListPages(options.store);
  }

  /** A defect of the simulation itself is thrown; whatever a client does wrong is an answer. */
  handle(request: ServerRequest): ServerAnswer {
    try {
      return this.#serve(request);
    } catch (error) {
      return asAnswer(error);
    }
  }

  watch(request: ServerRequest): ServerStream | ServerAnswer {
    try {
      const target = parsePath(request.path);
      if (target === undefined) throw notServed();
      return this.#watch(target, request);
    } catch (error) {
      return asAnswer(error);
    }
  }

  /** Forgets lists that are being read in pages. */
  compact(): void {
    this.#pages.compact();
  }

  #serve(request: ServerRequest): ServerAnswer {
    const target = parsePath(request.path);
    if (target === undefined) throw notServed();
    const { info, namespace, name, subresource } = target;
    if (name === undefined || namespace === undefined) {
      if (request.method === "GET") return this.#list(info, { namespace, request });
      if (request.method !== "POST") throw notAllowed(info, request.method);
      if (namespace === undefined) throw notServed();
      return this.#create(info, { namespace, request });
    }
    const named = { info, namespace, name, subresource };
    switch (request.method) {
      case "GET":
        return this.#get(named, request);
      case "PUT":
        return this.#put(named, request);
      case "PATCH":
        return this.#patch(named, request);
      case "DELETE":
        if (subresource === undefined) return this.#delete(named, request);
        throw notAllowed(info, request.method);
      case "POST":
        if (subresource === "binding") return this.#bind(named, request);
        throw notAllowed(info, request.method);
      default:
        throw notAllowed(info, request.method);
    }
  }

  #get({ info, namespace, name }: Named, { query, accept }: ServerRequest): ServerAnswer {
    this.#checkVersion(query["resourceVersion"]);
    return answer(200, this.#options.writer.find(info, { namespace, name }), accept);
  }

  #list(
    info: ResourceInfo,
    { namespace, request }: { readonly namespace: string | undefined; readonly request: ServerRequest },
  ): ServerAnswer {
    const { query, accept } = request;
    const { items, version, token, left } = this.#pages.page(info, {
      namespace,
      labelSelector: query["labelSelector"],
      fieldSelector: query["fieldSelector"],
      limit: query["limit"],
      token: query["continue"],
      resourceVersion: query["resourceVersion"],
      versionMatch: query["resourceVersionMatch"],
    });
    const isMetadataOnly = accept.includes(METADATA_LIST);
    const metadata = {
      resourceVersion: String(version),
      ...(token === undefined ? {} : { continue: token, remainingItemCount: left }),
    };
    const texts = items.map((item) => isMetadataOnly ? item.metadataText : item.itemText).join(",");
    const [kind, apiVersion] = isMetadataOnly
      ? ["PartialObjectMetadataList", "meta.k8s.io/v1"]
      : [`${info.kind}List`, info.apiVersion];
    const head = `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)}`;
    return { status: 200, text: `${head},"items":[${texts}]}` };
  }

  #create(
    info: ResourceInfo,
    { namespace, request }: { readonly namespace: string; readonly request: ServerRequest },
  ): ServerAnswer {
    const object = placed(info, { object: readBody(info, request.body), namespace });
    return answer(201, this.#options.writer.create(info, object, request.user), request.accept);
  }

  #put(target: Named, request: ServerRequest): ServerAnswer {
    const { store, writer } = this.#options;
    const { info, namespace, name, subresource } = target;
    const { user, accept } = request;
    const object = placed(info, { object: readBody(info, request.body), namespace });
    const given = nameOf(object);
    if (given !== name) {
      throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
    }
    const stored = store.find(info.resource, namespace, name);
    if (stored === undefined && info.createsOnPut && subresource === undefined && uidOf(object) === "") {
      return answer(201, writer.create(info, object, user), accept);
    }
    const found = stored ?? writer.find(info, target);
    if (!info.takesUnconditional && textOf(metadataOf(object)["resourceVersion"]) === "") {
      throw noResourceVersion(info, name);
    }
    return answer(
      200,
      writer.update(found, { user, subresource: statusOf(target), next: object, kind: "put" }),
      accept,
    );
  }

  #patch(target: Named, { user, accept, contentType, body }: ServerRequest): ServerAnswer {
    const { writer } = this.#options;
    const stored = writer.find(target.info, target);
    const [type = ""] = contentType.split(";");
    const { isCustom } = target.info;
    const next = patched(stored.object, { contentType: type, patch: parse(body), isCustom });
    // A version that the patch does not name is no precondition.
    return answer(200, writer.update(stored, { user, subresource: statusOf(target), next, kind: "patch" }), accept);
  }

  #delete({ info, namespace, name }: Named, { user, accept, body, query }: ServerRequest): ServerAnswer {
    const options = body === undefined || body === "" ? {} : asObject(parse(body)) ?? {};
    const propagation = asString(options["propagationPolicy"]) ?? query["propagationPolicy"];
    if (propagation !== undefined && !POLICIES.includes(propagation)) {
      throw invalidOptions("DeleteOptions", unsupportedField("propagationPolicy", propagation, [...POLICIES, "nil"]));
    }
    if (propagation !== undefined && options["orphanDependents"] !== undefined) {
      const why = "orphanDependents and deletionPropagation cannot be both set";
      throw invalidOptions("DeleteOptions", invalidField("propagationPolicy", propagation, why));
    }
    const { version, isGone } = this.#options.writer.remove(this.#options.writer.find(info, { namespace, name }), {
      user,
      propagation,
      graceSeconds: asInteger(options["gracePeriodSeconds"]) ?? numberOf(query["gracePeriodSeconds"]),
      preconditions: {
        uid: asString(at(options, "preconditions", "uid")),
        resourceVersion: asString(at(options, "preconditions", "resourceVersion")),
      },
    });
    return isGone && !info.returnsDeleted ? goneAnswer(info, version) : answer(200, version, accept);
  }

  /** What the scheduler does. */
  #bind({ info, namespace, name }: Named, { user, body }: ServerRequest): ServerAnswer {
    const { writer, now } = this.#options;
    const stored = writer.find(info, { namespace, name });
    const { object } = stored;
    const taken = asString(at(object, "spec", "nodeName"));
    if (taken !== undefined) throw alreadyBound(name, taken);
    const spec = { ...asObject(object["spec"]), nodeName: asString(at(parse(body), "target", "name")) ?? "" };
    const next = { ...object, spec };
    const bound = writer.update(stored, { user, subresource: undefined, next, kind: "put" });
    const condition = { type: "PodScheduled", status: "True", lastTransitionTime: timestamp(now()) };
    const status = { ...asObject(bound.object["status"]), conditions: [condition] };
    writer.update(bound, { user, subresource: "status", next: { ...bound.object, status }, kind: "put" });
    return { status: 201, text: JSON.stringify({ ...SUCCESS, code: 201 }) };
  }

  #watch(target: Target, { query, accept }: ServerRequest): ServerStream {
    const { store } = this.#options;
    const { info, name } = target;
    const field = query["fieldSelector"];
    const byName = name === undefined ? [] : [`metadata.name=${name}`];
    const fieldSelector = [...(field === undefined || field === "" ? [] : [field]), ...byName].join(",");
    const sendsInitial = query["sendInitialEvents"] === "true";
    const isNotOlder = query["resourceVersionMatch"] === "NotOlderThan";
    if (sendsInitial && !isNotOlder) {
      const why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
      throw invalidOptions("ListOptions", forbiddenField("resourceVersionMatch", why));
    }
    const matches = selectionMatcher(info, {
      namespace: target.namespace === "" ? undefined : target.namespace,
      labelSelector: query["labelSelector"],
      fieldSelector,
    });
    const version = versionOf(query["resourceVersion"] ?? "");
    const stream = new WatchStream({
      info,
      matches,
      isMetadataOnly: accept.includes(METADATA),
      takesBookmarks: query["allowWatchBookmarks"] === "true",
      newest: () => store.version,
    });
    const failure = this.#watchFailure(version, sendsInitial);
    if (failure !== undefined) {
      // The head has been sent by then: even this is told by a line.
      stream.fail(failure.body);
      return stream;
    }
    if (sendsInitial || version === 0) {
      for (const [, stored] of store.sorted(info.resource)) {
        if (matches === undefined || matches(stored.object)) stream.begin(stored);
      }
      if (sendsInitial) stream.endInitial();
    } else {
      for (const change of store.changesSince(info.resource, version)) stream.take(change);
    }
    const isFuture = version > store.version;
    stream.onClose(store.watch(info.resource, (change) => {
      if (!isFuture || change.version > version) stream.take(change);
    }));
    return stream;
  }

  #watchFailure(version: number, sendsInitial: boolean): ServerRefusal | undefined {
    const { store } = this.#options;
    if (sendsInitial) return version > store.version ? tooLargeVersion(version, store.version) : undefined;
    return version !== 0 && version < store.oldest ? tooOld(version, store.oldest) : undefined;
  }

  #checkVersion(text: string | undefined): void {
    const asked = versionOf(text ?? "");
    if (asked > this.#options.store.version) throw tooLargeVersion(asked, this.#options.store.version);
  }
}

const SUCCESS: JsonObject = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };

function answer(status: number, version: StoredVersion, accept: string): ServerAnswer {
  return { status, text: accept.includes(METADATA) ? version.metadataText : version.text };
}

function goneAnswer({ group, resource }: ResourceInfo, { object }: StoredVersion): ServerAnswer {
  const details = {
    name: nameOf(object),
    ...(group === "" ? {} : { group }),
    kind: resource,
    uid: uidOf(object),
  };
  return { status: 200, text: JSON.stringify({ ...SUCCESS, details }) };
}

function asAnswer(error: unknown): ServerAnswer {
  if (!(error instanceof ServerRefusal)) throw error;
  return { status: error.status, text: JSON.stringify(error.body) };
}

/** The object in the namespace of its path. */
function placed(
  info: ResourceInfo,
  { object, namespace }: { readonly object: JsonObject; readonly namespace: string },
): JsonObject {
  const found = namespaceOf(object);
  if (found === namespace) return withKind(info, object);
  if (found !== "") {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  return withKind(info, { ...object, metadata: withMetadata(info, metadataOf(object), { namespace }) });
}

function parse(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? "");
  } catch {
    throw badRequest("error decoding the body: it is no JSON");
  }
}

function statusOf({ subresource }: Target): "status" | undefined {
  return subresource === "status" ? subresource : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
