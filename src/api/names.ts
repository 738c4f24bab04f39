/** Names that follow from a JobSet's own (spec 1.3). */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** The name of a child Job: `<jobset>-<replicatedJob>-<jobIndex>`. */
export function childJobName(jobSetName: string, replicatedJobName: string, jobIndex: number): string {
  return `${jobSetName}-${replicatedJobName}-${jobIndex}`;
}

/** Takes a child Job's name apart at its index; undefined for a name that ends otherwise. */
export function splitChildJobName(name: string): { readonly prefix: string; readonly jobIndex: number } | undefined {
  const dash = name.lastIndexOf("-");
  const digits = name.slice(dash + 1);
  const jobIndex = Number(digits);
  if (dash < 0 || !Number.isSafeInteger(jobIndex) || String(jobIndex) !== digits) return undefined;
  return { prefix: name.slice(0, dash), jobIndex };
}

const DASH = 0x2d;
const ZERO = 0x30;
/** More digits than any index has; all numbers of so many are exact. */
const MAX_DIGITS = 15;

/** The index of a child Job whose name begins with this prefix, as `splitChildJobName` tells it, without a text made anew. */
export function jobIndexAfter(name: string, prefix: string): number | undefined {
  const from = prefix.length + 1;
  const digits = name.length - from;
  if (digits < 1 || digits > MAX_DIGITS || name.charCodeAt(prefix.length) !== DASH) return undefined;
  if (digits > 1 && name.charCodeAt(from) === ZERO) return undefined;
  let index = 0;
  for (let place = from; place < name.length; place++) {
    const digit = name.charCodeAt(place) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    index = index * 10 + digit;
  }
  return name.startsWith(prefix) ? index : undefined;
}

/** The name of a PersistentVolumeClaim: `<template>-<jobset>`. */
export function volumeClaimName(templateName: string, jobSetName: string): string {
  return `${templateName}-${jobSetName}`;
}

/** The job key: lower-case hexadecimal SHA-1 of `<namespace>/<jobName>`. */
export function jobKey(namespace: string, jobName: string): string {
  return bytesToHex(sha1(utf8ToBytes(`${namespace}/${jobName}`)));
}

/** The key of an object in caches, queues and log lines: `namespace/name`. */
export function objectKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
