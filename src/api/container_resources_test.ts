import { expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { changedResources, resourcesDigest } from "./container_resources.ts";

function template(containers: readonly JsonObject[], initContainers: readonly JsonObject[] = []): JsonObject {
  return { spec: { containers, initContainers } };
}

function container(name: string, requests?: JsonObject, limits?: JsonObject): JsonObject {
  return { name, image: "i", resources: { requests, limits } };
}

function changes(wanted: JsonObject, stored: JsonObject): readonly string[] {
  return changedResources(wanted, resourcesDigest(stored)).map(({ list, index, name }) => `${list}/${index}/${name}`);
}

test("resources: quantities are compared by value, absent is empty", () => {
  const stored = template([container("a", { cpu: "1", memory: "1Gi" }), { name: "b", image: "i", resources: {} }]);
  const same = template([container("a", { memory: "1024Mi", cpu: "1000m" }, {}), { name: "b", image: "j" }]);
  expect(changes(same, stored)).toEqual([]);
  expect(resourcesDigest(same)).toBe(resourcesDigest(stored));
  expect(changes(template([container("a", { cpu: 1, memory: "1Gi" })]), stored)).toEqual([]);
});

test("resources: a request is no limit, and one that is gone is a change", () => {
  const stored = template([container("a", { cpu: "1" })]);
  expect(changes(template([container("a", undefined, { cpu: "1" })]), stored)).toEqual(["containers/0/a"]);
  expect(changes(template([container("a")]), stored)).toEqual(["containers/0/a"]);
  expect(changes(template([container("a", { cpu: "1", memory: "0" })]), stored)).toEqual(["containers/0/a"]);
});

test("resources: containers are found by name in the Job's order; injected and missing ones are left alone", () => {
  const stored = template(
    [container("injected", { cpu: "9" }), container("b", { cpu: "1" }), container("a", { cpu: "1" })],
    [container("a", { cpu: "3" })],
  );
  const wanted = template(
    [container("a", { cpu: "2" }), container("b", { cpu: "1" }), container("gone", { cpu: "5" })],
    [container("a", { cpu: "4" })],
  );
  expect(changes(wanted, stored)).toEqual(["initContainers/0/a", "containers/2/a"]);
  expect(changedResources(wanted, resourcesDigest(stored))[1]).toEqual({
    list: "containers",
    index: 2,
    name: "a",
    requests: { cpu: "2" },
    limits: {},
  });
});

test("resources: neither claims nor anything else of a container counts", () => {
  const stored = template([{
    name: "a",
    image: "i",
    resources: { claims: [{ name: "gpu" }], requests: { cpu: "1" } },
  }]);
  expect(changes(template([container("a", { cpu: "1" })]), stored)).toEqual([]);
});

test("resources: odd templates are read without a fault", () => {
  for (const odd of [undefined, null, 1, {}, { spec: { containers: [null, 1, {}] } }, { spec: { containers: "x" } }]) {
    expect(changedResources(odd, resourcesDigest(odd))).toEqual([]);
  }
  expect(changes(template([container("a", { cpu: "lots" })]), template([container("a", { cpu: "1" })]))).toEqual([
    "containers/0/a",
  ]);
});
