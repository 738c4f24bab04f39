/** What stands in the cluster, kept up to date by watches. */
import { asString, at, type JsonObject } from "../../src/base/json.ts";
import { type Api, watch } from "../control_plane/api.ts";
import { readJobSetView, readJobView, readPodView, type Snapshot } from "./views.ts";

const JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/jobsets";
const JOBS = "/apis/batch/v1/jobs?labelSelector=jobset.sigs.k8s.io/jobset-name";
const PODS = "/api/v1/pods?labelSelector=jobset.sigs.k8s.io/jobset-name";
const RETRY_MS = 300;

export class World {
  readonly #api: Api;
  readonly #onChange: () => void;
  readonly #abort = new AbortController();
  readonly #jobSets = new Collection(readJobSetView);
  readonly #jobs = new Collection(readJobView);
  readonly #pods = new Collection(readPodView);
  #loops: readonly Promise<void>[] = [];

  /** `onChange` is called after each event; the snapshot then has it. */
  constructor(api: Api, onChange: () => void) {
    this.#api = api;
    this.#onChange = onChange;
  }

  start(): void {
    this.#loops = [
      this.#follow(JOBSETS, this.#jobSets),
      this.#follow(JOBS, this.#jobs),
      this.#follow(PODS, this.#pods),
    ];
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#loops);
  }

  get snapshot(): Snapshot {
    return { jobSets: this.#jobSets.views, jobs: this.#jobs.views, pods: this.#pods.views };
  }

  async #follow(path: string, collection: Collection<{ readonly uid: string; readonly name: string }>): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(path, collection);
      } catch {
        if (signal.aborted) return; // the end
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // the API server is away: it will be back
      }
    }
  }

  async #listAndWatch(
    path: string,
    collection: Collection<{ readonly uid: string; readonly name: string }>,
  ): Promise<void> {
    const list = await this.#api.get(path);
    collection.replace(Array.isArray(list["items"]) ? list["items"] as readonly JsonObject[] : []);
    this.#onChange();
    const version = asString(at(list, "metadata", "resourceVersion")) ?? "0";
    const query = `${path.includes("?") ? "&" : "?"}watch=1&resourceVersion=${version}`;
    for await (const { type, object } of watch(this.#api, `${path}${query}`, this.#abort.signal)) {
      if (type === "ADDED" || type === "MODIFIED") collection.set(object);
      else if (type === "DELETED") collection.delete(object);
      else return; // an ERROR: list again
      this.#onChange();
    }
  }
}

/** Views by uid. A view stays the same object until its object changes. */
class Collection<out V extends { readonly uid: string; readonly name: string }> {
  readonly #read: (object: JsonObject) => V;
  readonly #views = new Map<string, V>();

  constructor(read: (object: JsonObject) => V) {
    this.#read = read;
  }

  get views(): readonly V[] {
    return [...this.#views.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  replace(objects: readonly JsonObject[]): void {
    this.#views.clear();
    for (const object of objects) this.set(object);
  }

  set(object: JsonObject): void {
    const view = this.#read(object);
    this.#views.set(view.uid, view);
  }

  delete(object: JsonObject): void {
    this.#views.delete(this.#read(object).uid);
  }
}
