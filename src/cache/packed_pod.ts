/** Pods as the cache holds them by the ten thousand. */
import type { Pod } from "../api/pod.ts";
import { Interner } from "./interner.ts";
import { packUid, unpackUid } from "./packed_uid.ts";

/** What the Pods of one Job have in common: one object for all of them. */
interface Kin {
  readonly namespace: string;
  readonly ownerKey: string;
  readonly jobSetUid: string | undefined;
  readonly jobKey: string | undefined;
  readonly jobUid: string | undefined;
  readonly topologyKey: string | undefined;
}

/** A Pod whose texts are shared where they can be. It reads as any other, but is not to be spread: what it shares are getters. */
class PackedPod implements Pod {
  readonly name: string;
  readonly index: string | undefined;
  readonly isDeleting: boolean;
  readonly phase: string;
  readonly nodeName: string;
  readonly topologyValue: string | undefined;
  readonly restartCount: number;
  readonly inPlaceRestartAttempt: string | undefined;
  readonly #kin: Kin;
  readonly #version: number | string;
  /** A text where it can't be packed; the other two are 0 then. Fields of their own: an object would take more than they do. */
  readonly #uidHigh: number | string;
  readonly #uidMiddle: number;
  readonly #uidLow: number;

  constructor(pod: Pod, kin: Kin, texts: Interner) {
    this.name = pod.name;
    this.index = texts.share(pod.index);
    this.isDeleting = pod.isDeleting;
    this.phase = texts.share(pod.phase);
    this.nodeName = texts.share(pod.nodeName);
    this.topologyValue = texts.share(pod.topologyValue);
    this.restartCount = pod.restartCount;
    this.inPlaceRestartAttempt = texts.share(pod.inPlaceRestartAttempt);
    this.#kin = kin;
    this.#version = packVersion(pod.resourceVersion);
    const uid = packUid(pod.uid);
    this.#uidHigh = uid?.high ?? pod.uid;
    this.#uidMiddle = uid?.middle ?? 0;
    this.#uidLow = uid?.low ?? 0;
  }

  get uid(): string {
    const high = this.#uidHigh;
    return typeof high === "string" ? high : unpackUid({ high, middle: this.#uidMiddle, low: this.#uidLow });
  }

  get resourceVersion(): string {
    return String(this.#version);
  }

  get namespace(): string {
    return this.#kin.namespace;
  }

  get ownerKey(): string {
    return this.#kin.ownerKey;
  }

  get jobSetUid(): string | undefined {
    return this.#kin.jobSetUid;
  }

  get jobKey(): string | undefined {
    return this.#kin.jobKey;
  }

  get jobUid(): string | undefined {
    return this.#kin.jobUid;
  }

  get topologyKey(): string | undefined {
    return this.#kin.topologyKey;
  }
}

/** Jobs whose Pods share; beyond this all are forgotten, and later Pods share anew. */
const MAX_KIN = 20_000;

/** Packs the Pods of one cache. */
export function podPacker(): (pod: Pod) => Pod {
  const texts = new Interner();
  const known = new Map<string, Kin>();
  return (pod) => {
    const { jobUid = pod.ownerKey } = pod;
    const kin = known.get(jobUid);
    if (kin !== undefined && isKinOf(kin, pod)) return new PackedPod(pod, kin, texts);
    const own: Kin = {
      namespace: texts.share(pod.namespace),
      ownerKey: texts.share(pod.ownerKey),
      jobSetUid: texts.share(pod.jobSetUid),
      jobKey: pod.jobKey,
      jobUid: pod.jobUid,
      topologyKey: texts.share(pod.topologyKey),
    };
    if (known.size >= MAX_KIN) known.clear();
    known.set(jobUid, own);
    return new PackedPod(pod, own, texts);
  };
}

function isKinOf(kin: Kin, pod: Pod): boolean {
  return kin.jobUid === pod.jobUid && kin.namespace === pod.namespace && kin.ownerKey === pod.ownerKey &&
    kin.jobSetUid === pod.jobSetUid && kin.jobKey === pod.jobKey && kin.topologyKey === pod.topologyKey;
}

/** A number where nothing is lost by it: no text of its own. */
function packVersion(version: string): number | string {
  const number = Number(version);
  return Number.isSafeInteger(number) && String(number) === version ? number : version;
}
