import { describe, expect, test } from "bun:test";
import { embedSchema, reachable } from "./embed_schema.ts";
import { reduceDefinitions } from "./reduce_definitions.ts";

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const definitions = {
  Outer: {
    description: "text",
    type: "object",
    required: ["name"],
    "x-kubernetes-group-version-kind": [{ group: "", kind: "Outer", version: "v1" }],
    properties: {
      name: { type: "string", default: "", description: "text" },
      note: { type: "string", default: "" },
      mode: { type: "string", default: "Slow", enum: ["Fast", "Slow"] },
      inner: { default: {}, allOf: [ref("Inner")], description: "text" },
      port: ref("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
      started: ref("io.k8s.apimachinery.pkg.apis.meta.v1.Time"),
      list: { type: "array", items: { default: {}, allOf: [ref("Inner")] }, "x-kubernetes-patch-strategy": "merge" },
    },
  },
  Inner: {
    type: "object",
    properties: {
      words: { type: "array", items: { type: "string", default: "" }, "x-kubernetes-list-type": "atomic" },
      description: { type: "string" },
    },
  },
  Unrelated: { type: "object" },
};
const inner = {
  type: "object",
  properties: {
    words: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "atomic" },
    description: { type: "string" },
  },
} as const;

describe("an embedded schema", () => {
  test("resolves references and keeps what defaults and prunes, not what describes", () => {
    expect(embedSchema(definitions, "Outer")).toEqual({
      type: "object",
      required: ["name"],
      properties: {
        name: { type: "string" },
        note: { type: "string", default: "" },
        mode: { type: "string", default: "Slow" },
        inner,
        port: { anyOf: [{ type: "integer" }, { type: "string" }], "x-kubernetes-int-or-string": true },
        started: { type: "string", format: "date-time" },
        list: { type: "array", items: inner },
      },
    });
  });

  test("is the same from reduced definitions", () => {
    const reduced = reduceDefinitions(definitions, ["Outer"]);
    expect(embedSchema(reduced, "Outer")).toEqual(embedSchema(definitions, "Outer"));
    expect(Object.keys(reduced)).toEqual(["Inner", "Outer"]);
    expect(JSON.stringify(reduced)).not.toContain("text");
  });

  test("names the definition that a document lacks", () => {
    expect(() => embedSchema({ A: { properties: { b: ref("B") } } }, "A")).toThrow('no definition "B"');
  });
});

test("reachable definitions end at cycles and leave the well-known types out", () => {
  const cyclic = { A: { properties: { b: ref("B") } }, B: { properties: { a: ref("A") } }, C: {} };
  expect([...reachable(cyclic, ["A"])].sort()).toEqual(["A", "B"]);
  expect([...reachable(definitions, ["Outer"])].sort()).toEqual(["Inner", "Outer"]);
});
