import { expect, test } from "bun:test";
import { nodeDomain, nodeReader } from "./node.ts";

const ZONE = "topology.kubernetes.io/zone";

function body(labels: Readonly<Record<string, unknown>> | undefined) {
  return { metadata: { name: "n1", uid: "u1", resourceVersion: "7", labels, managedFields: [{}] } };
}

test("of a Node only the labels that make topologies are kept, one object for all Nodes of the same domains", () => {
  const read = nodeReader([ZONE, "rack"]);
  const node = read(body({ [ZONE]: "a", hostname: "n1" }));
  expect({ ...node, domains: { ...node?.domains } }).toEqual({
    namespace: "",
    name: "n1",
    uid: "u1",
    resourceVersion: "7",
    domains: { [ZONE]: "a" },
  });
  expect(read(body({ [ZONE]: "a", hostname: "n2" }))?.domains).toBe(node?.domains ?? {});
  expect(read(body({ [ZONE]: "b" }))?.domains).not.toBe(node?.domains ?? {});
  expect(Object.keys(read(body(undefined))?.domains ?? { none: 1 })).toEqual([]);
  expect(read({ metadata: {} })).toBeUndefined();
});

test("labels called like a property of every object are labels like any other", () => {
  const read = nodeReader(["constructor", "__proto__"]);
  expect(read(body({}))?.domains["constructor"]).toBeUndefined();
  expect(nodeDomain(body({}), "constructor")).toBeUndefined();
  expect(nodeDomain(body({ constructor: "x" }), "constructor")).toBe("x");
  expect(Object.keys(read(body(JSON.parse('{"__proto__": "x"}')))?.domains ?? {})).toEqual(["__proto__"]);
});
