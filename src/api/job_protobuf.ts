import type { ProtobufTable } from "../base/protobuf.ts";

const OWNER_REFERENCE: ProtobufTable = {
  1: { name: "kind", type: "string" },
  3: { name: "name", type: "string" },
  4: { name: "uid", type: "string" },
  5: { name: "apiVersion", type: "string" },
  6: { name: "controller", type: "boolean" },
};

const OBJECT_META: ProtobufTable = {
  1: { name: "name", type: "string" },
  3: { name: "namespace", type: "string" },
  5: { name: "uid", type: "string" },
  6: { name: "resourceVersion", type: "string" },
  9: { name: "deletionTimestamp", type: "time" },
  11: { name: "labels", type: "stringMap" },
  13: { name: "ownerReferences", type: OWNER_REFERENCE, isList: true },
};

const TOLERATION: ProtobufTable = {
  1: { name: "key", type: "string" },
  2: { name: "operator", type: "string" },
  3: { name: "value", type: "string" },
  4: { name: "effect", type: "string" },
  5: { name: "tolerationSeconds", type: "integer" },
};

const POD_TEMPLATE: ProtobufTable = {
  1: {
    name: "metadata",
    type: { 11: { name: "labels", type: "stringMap" }, 12: { name: "annotations", type: "stringMap" } },
  },
  2: {
    name: "spec",
    type: {
      7: { name: "nodeSelector", type: "stringMap" },
      22: { name: "tolerations", type: TOLERATION, isList: true },
      38: { name: "schedulingGates", type: { 1: { name: "name", type: "string" } }, isList: true },
    },
  },
};

const CONDITION: ProtobufTable = {
  1: { name: "type", type: "string" },
  2: { name: "status", type: "string" },
  4: { name: "lastTransitionTime", type: "time" },
  5: { name: "reason", type: "string" },
  6: { name: "message", type: "string" },
};

/**
 * batch/v1 Job: the fields that `readJob` looks at, by their numbers in Kubernetes' protobuf. An API server writes a watch event
 * in it for half of what JSON costs.
 */
export const JOB_PROTOBUF: ProtobufTable = {
  1: { name: "metadata", type: OBJECT_META },
  2: {
    name: "spec",
    type: {
      1: { name: "parallelism", type: "integer" },
      2: { name: "completions", type: "integer" },
      6: { name: "template", type: POD_TEMPLATE },
      10: { name: "suspend", type: "boolean" },
    },
  },
  3: {
    name: "status",
    type: {
      1: { name: "conditions", type: CONDITION, isList: true },
      2: { name: "startTime", type: "time" },
      4: { name: "active", type: "integer" },
      5: { name: "succeeded", type: "integer" },
      9: { name: "ready", type: "integer" },
    },
  },
};
