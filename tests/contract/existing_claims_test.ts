/** A claim that was made from a template is that template's, whatever the API server wrote into it (R71). */
import { beforeAll, describe, expect, test } from "bun:test";
import { at, type JsonObject } from "../../src/base/json.ts";
import { equalClaimSpecs } from "../../src/admission/equal_claim_specs.ts";
import { type SharedServer, sharedServer } from "./shared_server.ts";

let server: SharedServer;

beforeAll(async () => {
  server = await sharedServer();
});

const BASE = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const SNAPSHOT = { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "s" };

const TEMPLATES: Readonly<Record<string, JsonObject>> = {
  "as short as can be": BASE,
  "with quantities in another form": { ...BASE, resources: { requests: { storage: "1073741824" } } },
  "with quantities that are rounded up": { ...BASE, resources: { requests: { storage: "1.5k" } } },
  "with a limit": { ...BASE, resources: { requests: { storage: "1e3" }, limits: { storage: "2000" } } },
  "as a block device": { ...BASE, volumeMode: "Block" },
  "of a class": { ...BASE, storageClassName: "fast" },
  "of no class": { ...BASE, storageClassName: "" },
  "of an attributes class": { ...BASE, volumeAttributesClassName: "gold" },
  "of a volume": { ...BASE, volumeName: "pv-1" },
  "with a selector": {
    ...BASE,
    selector: { matchLabels: { a: "b" }, matchExpressions: [{ key: "c", operator: "Exists" }] },
  },
  "with a snapshot as source": { ...BASE, dataSource: SNAPSHOT },
  "with a claim as source": { ...BASE, dataSource: { kind: "PersistentVolumeClaim", name: "c" } },
  "with a reference as source": { ...BASE, dataSourceRef: SNAPSHOT },
  "with a claim as reference": { ...BASE, dataSourceRef: { apiGroup: "", kind: "PersistentVolumeClaim", name: "c" } },
  "with nothing written out": { ...BASE, selector: null, volumeName: "", storageClassName: null, dataSource: null },
};

describe("a claim made from a template is equal to it", () => {
  for (const [what, spec] of Object.entries(TEMPLATES)) {
    test(what, async () => {
      const body = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "claim" }, spec };
      const path = "/api/v1/namespaces/default/persistentvolumeclaims?dryRun=All";
      const stored = at(await server.api.create(path, body), "spec");
      expect({ stored, isEqual: equalClaimSpecs(spec, stored) }).toEqual({ stored, isEqual: true });
      const larger = { ...spec, resources: { requests: { storage: "3Gi" } } };
      expect(equalClaimSpecs(larger, stored)).toBe(false);
    });
  }
});
