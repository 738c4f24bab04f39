/** The rules that Kubernetes has for names and label values, each in the words of its API server. */
import { type FieldError, invalid, required, tooLong } from "./field_error.ts";
import { byteLength } from "./go_text.ts";
import { MAX_MATCHED_LENGTH } from "./limits.ts";

export const MAX_LABEL_LENGTH = 63;
export const MAX_SUBDOMAIN_LENGTH = 253;

/** The regular expression of a rule, and what is printed where a name does not match it. */
interface Form {
  readonly pattern: RegExp;
  readonly text: string;
}

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

const DNS_1035_LABEL = form(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', " +
    "start with an alphabetic character, and end with an alphanumeric character",
  { examples: ["my-name", "abc-123"], expression: "[a-z]([-a-z0-9]*[a-z0-9])?" },
);

const DNS_1123_LABEL = form(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
    "and must start and end with an alphanumeric character",
  { examples: ["my-name", "123-abc"], expression: LABEL },
);

const DNS_1123_SUBDOMAIN = form(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
    "and must start and end with an alphanumeric character",
  { examples: ["example.com"], expression: `${LABEL}(\\.${LABEL})*` },
);

const LABEL_VALUE = form(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
    "and must start and end with an alphanumeric character",
  { examples: ["MyValue", "my_value", "12345"], expression: "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?" },
);

const PATH = form("Invalid path", { examples: [], expression: HTTP_PATH });

/** Why this is no DNS-1035 label, such as a Service or a Job with a hostname needs; empty where it is one. */
export function dns1035LabelProblems(name: string): readonly string[] {
  return [...lengthProblems(name, MAX_LABEL_LENGTH), ...formProblems(name, DNS_1035_LABEL)];
}

/** Why this is no DNS-1123 label; a name that is a subdomain only has dots too many. */
export function dns1123LabelProblems(name: string): readonly string[] {
  const hasOnlyDotsTooMany = name.length <= MAX_MATCHED_LENGTH && name.includes(".") &&
    DNS_1123_SUBDOMAIN.pattern.test(name);
  const ofForm = hasOnlyDotsTooMany ? ["must not contain dots"] : formProblems(name, DNS_1123_LABEL);
  return [...lengthProblems(name, MAX_LABEL_LENGTH), ...ofForm];
}

/** Why this is no DNS-1123 subdomain, which the name of most objects must be. */
export function dns1123SubdomainProblems(name: string): readonly string[] {
  return [...lengthProblems(name, MAX_SUBDOMAIN_LENGTH), ...formProblems(name, DNS_1123_SUBDOMAIN)];
}

/** Why this can't start a generated name: its last dash is followed by other characters, so it may end in one. */
export function generateNameProblems(prefix: string): readonly string[] {
  return dns1123SubdomainProblems(prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -1)}a` : prefix);
}

/** Why this can't be the value of a label. */
export function labelValueProblems(value: string): readonly string[] {
  const length = byteLength(value) > MAX_LABEL_LENGTH ? [`must be no more than ${MAX_LABEL_LENGTH} bytes`] : [];
  return [...length, ...formProblems(value, LABEL_VALUE)];
}

/** The errors of a domain-prefixed path of at most 63 bytes, such as `spec.managedBy` of a Job. */
export function domainPrefixedPathErrors(field: string, value: string): readonly FieldError[] {
  if (value === "") return [required(field)];
  const length = byteLength(value) > MAX_LABEL_LENGTH ? [tooLong(field, MAX_LABEL_LENGTH)] : [];
  const slash = value.indexOf("/");
  if (slash <= 0 || slash === value.length - 1) {
    return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")'), ...length];
  }
  const [host, path] = [value.slice(0, slash), value.slice(slash + 1)];
  return [
    ...dns1123SubdomainProblems(host).map((problem) => invalid(field, host, problem)),
    ...formProblems(path, PATH).map((problem) => invalid(field, path, problem)),
    ...length,
  ];
}

function lengthProblems(name: string, max: number): readonly string[] {
  return byteLength(name) > max ? [`must be no more than ${max} characters`] : [];
}

function formProblems(name: string, { pattern, text }: Form): readonly string[] {
  return name.length > MAX_MATCHED_LENGTH || pattern.test(name) ? [] : [text];
}

/** The API server puts its examples together with a comma and two spaces. */
function form(words: string, { examples, expression }: {
  readonly examples: readonly string[];
  readonly expression: string;
}): Form {
  const eg = examples.length === 0 ? "" : `e.g. ${examples.map((example) => `'${example}', `).join(" or ")}`;
  return {
    pattern: new RegExp(`^(?:${expression})$`),
    text: `${words} (${eg}regex used for validation is '${expression}')`,
  };
}
