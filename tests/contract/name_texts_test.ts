/**
 * The rules for names say what the API server says, to the letter (spec 2.4). Each rule is asked of an object that has it: a Service
 * (DNS-1123 label), a CRD's singular name (DNS-1035 label), a ConfigMap (DNS-1123 subdomain, generateName, label value), a Job
 * (domain-prefixed path).
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import * as rules from "../../src/admission/name_rules.ts";
import { errorBody, invalid } from "../../src/admission/field_error.ts";
import { goQuote } from "../../src/admission/go_text.ts";
import { type SharedServer, sharedServer } from "./shared_server.ts";

let server: SharedServer;

beforeAll(async () => {
  server = await sharedServer();
});

const NAMES = [
  "a",
  "a-1",
  "1a",
  "A",
  "a-",
  "-a",
  "-",
  "a.b",
  "a..b",
  ".a",
  "a_b",
  "a b",
  "é",
  "日本",
  "a\nb",
  'a"b\\',
  "a".repeat(63),
  "a".repeat(64),
  "A".repeat(64),
  `${"a".repeat(63)}.${"b".repeat(63)}`,
  "a".repeat(253),
  "a".repeat(254),
  "_".repeat(254),
];

/** What the API server finds wrong with one field of an object that it would create: the causes' messages. */
async function causes(path: string, body: JsonObject, field: string): Promise<readonly string[]> {
  const answer = await server.api.request("POST", `${path}?dryRun=All`, body);
  if (answer.code < 300) return [];
  expect(answer.code).toBe(422);
  return asArray(at(answer.body, "details", "causes"))
    .filter((cause) => at(cause, "field") === field)
    .map((cause) => asString(at(cause, "message")) ?? "");
}

function bodies(value: string, problems: readonly string[]): readonly string[] {
  return problems.map((problem) => errorBody(invalid("", value, problem)));
}

function configMap(metadata: JsonObject, field: string): Promise<readonly string[]> {
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata };
  return causes("/api/v1/namespaces/default/configmaps", body, field);
}

describe("our words are the API server's for", () => {
  test("DNS-1123 labels", async () => {
    for (const name of NAMES) {
      const body = { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { clusterIP: "None" } };
      const theirs = await causes("/api/v1/namespaces/default/services", body, "metadata.name");
      expect({ name, problems: bodies(name, rules.dns1123LabelProblems(name)) }).toEqual({
        name,
        problems: [...theirs],
      });
    }
  });

  test("DNS-1035 labels", async () => {
    for (const singular of NAMES) {
      const names = { plural: "texts", singular, kind: "Text", listKind: "TextList" };
      const schema = { openAPIV3Schema: { type: "object" } };
      const body = {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "texts.example.com" },
        spec: {
          group: "example.com",
          scope: "Namespaced",
          names,
          versions: [{ name: "v1", served: true, storage: true, schema }],
        },
      };
      const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      const theirs = await causes(path, body, "spec.names.singular");
      // A CRD joins its problems with commas and makes one error of them.
      const ours = rules.dns1035LabelProblems(singular).join(",");
      expect({ singular, problems: bodies(singular, ours === "" ? [] : [ours]) }).toEqual({
        singular,
        problems: [...theirs],
      });
    }
  });

  test("DNS-1123 subdomains", async () => {
    for (const name of NAMES) {
      const theirs = await configMap({ name }, "metadata.name");
      expect({ name, problems: bodies(name, rules.dns1123SubdomainProblems(name)) }).toEqual({
        name,
        problems: [...theirs],
      });
    }
  });

  test("the starts of generated names", async () => {
    for (const generateName of NAMES) {
      const theirs = await configMap({ generateName }, "metadata.generateName");
      expect({ generateName, problems: bodies(generateName, rules.generateNameProblems(generateName)) }).toEqual({
        generateName,
        problems: [...theirs],
      });
    }
  });

  test("the values of labels", async () => {
    for (const value of ["", "My_value.1", "é".repeat(32), "a\0\x07\u200b\u{10ffff}", ...NAMES]) {
      const theirs = await configMap({ name: "x", labels: { key: value } }, "metadata.labels");
      expect({ value, problems: bodies(value, rules.labelValueProblems(value)) }).toEqual({
        value,
        problems: [...theirs],
      });
    }
  });

  test("domain-prefixed paths", async () => {
    const paths = NAMES.flatMap((name) => [`a/${name}`, `${name}/b`]);
    for (const managedBy of ["", "a", "/", "a/", "a/b/c", "a/%~!", `A_/ ${"b".repeat(63)}`, ...paths]) {
      const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "busybox:1.36" }] } };
      const body = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "x" }, spec: { managedBy, template } };
      const theirs = await causes("/apis/batch/v1/namespaces/default/jobs", body, "spec.managedBy");
      expect({ managedBy, problems: rules.domainPrefixedPathErrors("", managedBy).map(errorBody) }).toEqual({
        managedBy,
        problems: [...theirs],
      });
    }
  });

  test("an object without a name", async () => {
    const problems = await configMap({}, "metadata.name");
    expect(problems).toEqual(["Required value: name or generateName is required"]);
  });
});

test("a generated name is generateName, cut to 58 characters, and five more (spec 2.2)", async () => {
  const generateName = "a".repeat(70);
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName } };
  const { body: made } = await server.api.request("POST", "/api/v1/namespaces/default/configmaps?dryRun=All", body);
  expect(asString(at(made, "metadata", "name"))).toMatch(/^a{58}.{5}$/);
});

test("a string is quoted in a message as the API server quotes it", async () => {
  for (
    const text of [
      "\0\x07\b\f\n\r\t\v\x1b\x7f",
      'é日🙂\u0301"\\',
      "\u00a0\u00ad\u2028\u200b\ufeff\ue000\ufffd\u{e0001}",
    ]
  ) {
    const [problem = ""] = await configMap({ name: "x", labels: { key: text } }, "metadata.labels");
    expect(problem).toStartWith(`Invalid value: ${goQuote(text)}: a valid label must`);
  }
});
