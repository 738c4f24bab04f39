import { describe, expect, test } from "bun:test";
import { equalClaimSpecs } from "./equal_claim_specs.ts";

const template = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const source = { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "s" };

describe("an existing claim is what the template asks for (R71)", () => {
  const equal: readonly (readonly [string, unknown, unknown])[] = [
    ["as it is", template, template],
    ["with what the API server and the volume controller fill in", template, {
      ...template,
      storageClassName: "standard",
      volumeMode: "Filesystem",
      volumeName: "pvc-1",
    }],
    ["with a quantity of the same value", template, { ...template, resources: { requests: { storage: "1024Mi" } } }],
    ["with a mirrored source", { ...template, dataSource: source }, {
      ...template,
      dataSource: source,
      dataSourceRef: source,
    }],
    ["with a mirrored reference", { ...template, dataSourceRef: source }, {
      ...template,
      dataSource: source,
      dataSourceRef: source,
    }],
    ["with a core source, whose group is empty", { dataSource: { kind: "PersistentVolumeClaim", name: "c" } }, {
      dataSource: { apiGroup: null, kind: "PersistentVolumeClaim", name: "c" },
      dataSourceRef: { apiGroup: "", kind: "PersistentVolumeClaim", name: "c" },
    }],
    ["with nothing written as null or empty", { ...template, selector: null, storageClassName: null }, {
      ...template,
      selector: {},
      storageClassName: "x",
      resources: { ...template.resources, limits: {} },
    }],
    ["with its volume, for which an empty name leaves room", { volumeName: "" }, { volumeName: "pvc-1" }],
    ["without a spec at all", undefined, {}],
    ["with a field of a later Kubernetes", template, { ...template, futureField: "x" }],
  ];
  for (const [what, wanted, found] of equal) {
    test(what, () => expect(equalClaimSpecs(wanted, found)).toBe(true));
  }
});

describe("an existing claim is another", () => {
  const different: readonly (readonly [string, unknown, unknown])[] = [
    ["in its size", template, { ...template, resources: { requests: { storage: "2Gi" } } }],
    ["in having a limit", template, {
      ...template,
      resources: { ...template.resources, limits: { storage: "2Gi" } },
    }],
    ["in what it requests", template, { ...template, resources: { requests: { other: "1Gi" } } }],
    ["in its access modes", template, { ...template, accessModes: ["ReadWriteMany"] }],
    ["in the number of access modes", template, { ...template, accessModes: ["ReadWriteOnce", "ReadOnlyMany"] }],
    ["in the class asked for", { ...template, storageClassName: "fast" }, { ...template, storageClassName: "slow" }],
    ["in asking for no class", { ...template, storageClassName: "" }, { ...template, storageClassName: "slow" }],
    ["in its volume", { ...template, volumeName: "a" }, { ...template, volumeName: "b" }],
    ["in its mode", template, { ...template, volumeMode: "Block" }],
    ["in its selector", template, { ...template, selector: { matchLabels: { a: "b" } } }],
    ["in its source", template, { ...template, dataSource: source, dataSourceRef: source }],
    ["in the source's name", { ...template, dataSource: source }, {
      ...template,
      dataSource: { ...source, name: "t" },
      dataSourceRef: { ...source, name: "t" },
    }],
    ["in the type of a field", { selector: { matchLabels: "a" } }, { selector: { matchLabels: { a: "b" } } }],
    ["in the type of a field, the other way", { selector: { matchLabels: { a: "b" } } }, {
      selector: { matchLabels: "a" },
    }],
    ["in its attributes class", template, { ...template, volumeAttributesClassName: "gold" }],
    ["in a field of a later Kubernetes that the template names", { ...template, futureField: "x" }, template],
  ];
  for (const [what, wanted, found] of different) {
    test(what, () => expect(equalClaimSpecs(wanted, found)).toBe(false));
  }
});
