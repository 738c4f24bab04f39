/** Names that follow from a JobSet's own (spec 1.3). */
import { sha1 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** The name of a child Job: `<jobset>-<replicatedJob>-<jobIndex>`. */
export function childJobName(jobSetName: string, replicatedJobName: string, jobIndex: number): string {
  return `${jobSetName}-${replicatedJobName}-${jobIndex}`;
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
