import { expect, test } from "bun:test";
import { errorText } from "./field_error.ts";
import * as rules from "./name_rules.ts";

// The words are compared with a real API server's in tests/contract/name_texts_test.ts.
const LABEL_1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic " +
  "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is " +
  "'[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1123 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and " +
  "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must " +
  "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must " +
  "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const PATH = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";

test("a DNS-1035 label", () => {
  for (const name of ["a", "a-1", "a".repeat(63)]) expect(rules.dns1035LabelProblems(name)).toEqual([]);
  for (const name of ["", "1a", "A", "a-", "-a", "a.b", "a_b", "é", "a\n"]) {
    expect(rules.dns1035LabelProblems(name)).toEqual([LABEL_1035]);
  }
  expect(rules.dns1035LabelProblems("a".repeat(64))).toEqual(["must be no more than 63 characters"]);
  expect(rules.dns1035LabelProblems("A".repeat(64))).toEqual(["must be no more than 63 characters", LABEL_1035]);
});

test("a DNS-1123 label", () => {
  for (const name of ["a", "1a", "a".repeat(63)]) expect(rules.dns1123LabelProblems(name)).toEqual([]);
  for (const name of ["", "A", "a-", "a..b", "a_b"]) expect(rules.dns1123LabelProblems(name)).toEqual([LABEL_1123]);
  expect(rules.dns1123LabelProblems("a.b")).toEqual(["must not contain dots"]);
  expect(rules.dns1123LabelProblems("a".repeat(64))).toEqual(["must be no more than 63 characters"]);
});

test("a DNS-1123 subdomain", () => {
  for (const name of ["a", "1.a-b.c", "a".repeat(253)]) expect(rules.dns1123SubdomainProblems(name)).toEqual([]);
  for (const name of ["", ".a", "a.", "a..b", "A", "a_b"]) {
    expect(rules.dns1123SubdomainProblems(name)).toEqual([SUBDOMAIN]);
  }
  expect(rules.dns1123SubdomainProblems("a".repeat(254))).toEqual(["must be no more than 253 characters"]);
});

test("the start of a generated name may end in a dash", () => {
  for (const prefix of ["a-", "a", "a.b-"]) expect(rules.generateNameProblems(prefix)).toEqual([]);
  for (const prefix of ["-", "a.", "A-", "a_"]) expect(rules.generateNameProblems(prefix)).toEqual([SUBDOMAIN]);
  expect(rules.generateNameProblems("a".repeat(254))).toEqual(["must be no more than 253 characters"]);
});

test("a label's value", () => {
  for (const value of ["", "A_b.c-1", "a".repeat(63)]) expect(rules.labelValueProblems(value)).toEqual([]);
  for (const value of ["-a", "a.", "a b", "é"]) expect(rules.labelValueProblems(value)).toEqual([LABEL_VALUE]);
  expect(rules.labelValueProblems("a".repeat(64))).toEqual(["must be no more than 63 bytes"]);
  expect(rules.labelValueProblems("é".repeat(32))).toEqual(["must be no more than 63 bytes", LABEL_VALUE]);
});

test("a domain-prefixed path", () => {
  const lines = (value: string) => rules.domainPrefixedPathErrors("f", value).map(errorText);
  const form = 'must be a domain-prefixed path (such as "acme.io/foo")';
  for (const value of ["acme.io/foo", "a/b/c", "a/b%~", "a/" + "b".repeat(61)]) expect(lines(value)).toEqual([]);
  expect(lines("")).toEqual(["f: Required value"]);
  for (const value of ["a", "a/", "/b", "/"]) expect(lines(value)).toEqual([`f: Invalid value: "${value}": ${form}`]);
  expect(lines("A_/ ")).toEqual([`f: Invalid value: "A_": ${SUBDOMAIN}`, `f: Invalid value: " ": ${PATH}`]);
  expect(lines("a/" + "b".repeat(62))).toEqual(["f: Too long: may not be more than 63 bytes"]);
});
