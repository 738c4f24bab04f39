import { expect, test } from "bun:test";
import { applyPatch, type JsonPatchOperation, jsonPointer, setOperation } from "./json_patch.ts";

test("a JSON pointer escapes what would end a step", () => {
  expect(jsonPointer("metadata", "labels", "a/b~c", 0)).toBe("/metadata/labels/a~1b~0c/0");
});

test("a patch adds, replaces and leaves its input as it was", () => {
  const document = { a: [1, 2], "x/y": { z: null }, kept: {} };
  const patch: readonly JsonPatchOperation[] = [
    { op: "add", path: "/a/1", value: 9 },
    { op: "add", path: "/a/-", value: 3 },
    { op: "replace", path: "/a/0", value: 0 },
    { op: "add", path: "/x~1y/z", value: { w: 1 } },
    { op: "add", path: "/x~1y/z/v", value: true },
  ];
  expect(applyPatch(document, patch)).toEqual({ a: [0, 9, 2, 3], "x/y": { z: { w: 1, v: true } }, kept: {} });
  expect(document).toEqual({ a: [1, 2], "x/y": { z: null }, kept: {} });
});

test("a patch of the whole document replaces it", () => {
  expect(applyPatch({ a: 1 }, [{ op: "replace", path: "", value: 7 }])).toBe(7);
});

test("a key that means something to JavaScript is a key like any other", () => {
  const patched = applyPatch(JSON.parse('{"__proto__":{"a":1}}'), [{ op: "add", path: "/__proto__/b", value: 2 }]);
  expect(JSON.stringify(patched)).toBe('{"__proto__":{"a":1,"b":2}}');
});

test("a path that leads nowhere is an error", () => {
  const nowhere: readonly JsonPatchOperation[] = [
    { op: "add", path: "/absent/a", value: 1 },
    { op: "replace", path: "/absent", value: 1 },
    { op: "add", path: "/text/a", value: 1 },
    { op: "add", path: "/list/3", value: 1 },
    { op: "replace", path: "/list/2", value: 1 },
    { op: "replace", path: "/list/-", value: 1 },
    { op: "add", path: "/list/01", value: 1 },
  ];
  for (const operation of nowhere) {
    expect(() => applyPatch({ text: "", list: [1, 2] }, [operation])).toThrow(RangeError);
  }
});

test("setting a member makes what is absent on the way, and replaces nothing else", () => {
  const document = { a: { "x/y": 1, none: null, list: [1] }, text: "" };
  const cases: readonly (readonly [readonly string[], JsonPatchOperation | undefined])[] = [
    [["a", "x/y"], { op: "add", path: "/a/x~1y", value: 7 }],
    [["a", "b", "c/d", "e"], { op: "add", path: "/a/b", value: { "c/d": { e: 7 } } }],
    [["a", "none", "b"], { op: "add", path: "/a/none", value: { b: 7 } }],
    [["a", "list", "-"], { op: "add", path: "/a/list/-", value: 7 }],
    [["a", "list", "0", "b"], undefined],
    [["a", "list", "b"], undefined],
    [["text", "b"], undefined],
    [["toString", "b"], { op: "add", path: "/toString", value: { b: 7 } }],
  ];
  for (const [steps, operation] of cases) expect(setOperation(document, steps, 7)).toEqual(operation);
});
