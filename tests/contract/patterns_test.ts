/**
 * The patterns of failure messages are what Go's regexp takes, and a broken one is told of in its words (spec 2.2: 8, R69). The API
 * server compiles the `pattern` of a schema with it: a CRD that is not created has a property for each pattern. The one difference
 * known: since Go 1.25 the names of Unicode classes are read without regard to case and have aliases (`\p{letter}`), ours are not.
 */
import { beforeAll, expect, test } from "bun:test";
import { asArray, asString, at, type JsonObject } from "../../src/base/json.ts";
import { MessagePatterns } from "../../src/admission/message_patterns.ts";
import { type SharedServer, sharedServer } from "./shared_server.ts";

let server: SharedServer;

beforeAll(async () => {
  server = await sharedServer();
});

const PATTERNS: readonly string[] = [
  ...[
    "",
    "a",
    "a+b*c?",
    "a{2}",
    "a{2,}",
    "a{2,3}",
    "a{,3}",
    "a{3,2}",
    "a{1000}",
    "a{1001}",
    "(a{500}){3}",
    "((a{10}){10}){11}",
  ],
  ...[
    "a**",
    "a+?",
    "a??",
    "a*+",
    "*a",
    "+",
    "?",
    "|",
    "a||b",
    "(",
    ")",
    "(a",
    "a)",
    "()",
    "(?:a)",
    "(?P<n>a)",
    "(?<n>a)",
  ],
  ...[
    "(?P<n>a)(?P<n>b)",
    "(?P<1>a)",
    "(?P<n>",
    "(?<n",
    "(?P=n)",
    "(?i)a",
    "(?ims-U)a",
    "(?i",
    "(?x)a",
    "(?-i:a)",
    "(?--i)",
    "(?)",
  ],
  ...["(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?#c)", "(a)\\1", "\\0", "\\07", "\\18", "\\8"],
  ...[
    "[a]",
    "[^a]",
    "[]a]",
    "[]",
    "[a",
    "[a-",
    "[a-]",
    "[-a]",
    "[z-a]",
    "[a-b-c]",
    "[\\]]",
    "[[:alpha:]]",
    "[[:^word:]]",
  ],
  ...["[[:nope:]]", "[[:alpha:", "[\\d\\W]", "[\\pL]", "[a&&b]", "[^\\x00-\\x{10FFFF}]", "[]-a]"],
  ...[
    "\\",
    "\\d\\D\\s\\S\\w\\W",
    "\\b\\B\\A\\z",
    "\\Z",
    "\\C",
    "\\G",
    "\\X",
    "\\R",
    "\\h",
    "\\K",
    "\\e",
    "\\cA",
    "\\a\\f\\t\\n\\r\\v",
  ],
  ...[
    "\\x41",
    "\\x{41}",
    "\\x{110000}",
    "\\x4",
    "\\x",
    "\\u0041",
    "\\Qa.b\\E",
    "\\Qa.b",
    "\\E",
    "\\-",
    "\\_",
    "\\é",
    "\\ ",
    "\\<",
  ],
  ...[
    "\\pN",
    "\\p{Greek}",
    "\\p{^Greek}",
    "\\P{Lu}",
    "\\p{Nope}",
    "\\p{L",
    "\\p",
    "\\pX",
    "\\p{Any}",
    "\\p{Latin}+",
    "(?i)\\p{Lu}",
  ],
  ...[
    "^a$",
    "(?m)^a$",
    "a\nb",
    "é+日?🙂",
    "a\0b",
    "100% of %d",
    "exit code: (1[0-9]{2}|2)",
    "[Ee]rror.*timed out$",
    "/\\/",
  ],
  ...["(".repeat(999) + ")".repeat(999), "(".repeat(1001) + ")".repeat(1001), "a?".repeat(500) + "a".repeat(500)],
];

/** What Go finds wrong with each. */
async function theirs(patterns: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const properties = Object.fromEntries(patterns.map((pattern, index) => [`p${index}`, { type: "string", pattern }]));
  const body: JsonObject = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "patterns.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "patterns", singular: "pattern", kind: "Pattern", listKind: "PatternList" },
      versions: [{
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", properties } },
      }],
    },
  };
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All";
  const answer = await server.api.request("POST", path, body);
  const found = new Map<string, string>();
  for (const cause of asArray(at(answer.body, "details", "causes"))) {
    const index = /properties\[p(\d+)\]\.pattern$/.exec(asString(at(cause, "field")) ?? "")?.[1];
    const text = asString(at(cause, "message")) ?? "";
    const problem = /error parsing regexp: [^]*$/.exec(text)?.[0];
    if (index === undefined || problem === undefined) {
      throw new Error(`the CRD was refused for something else: ${text}`);
    }
    found.set(patterns[Number(index)] ?? "", problem);
  }
  return found;
}

test("patterns are taken and refused as Go's regexp takes and refuses them, in its words (R69)", async () => {
  const problems = await theirs(PATTERNS);
  expect(problems.size).toBeGreaterThan(30);
  for (const pattern of PATTERNS) {
    const [error] = new MessagePatterns().errors("", [pattern]);
    const ours = error?.detail.replace(/^must be a valid RE2 regular expression: /, "");
    const [words, ...quote] = problems.get(pattern)?.split(": `") ?? [];
    // Where nothing is left to quote, or too much, Go quotes it all the same.
    const isQuoted = ours?.includes("`") ?? false;
    expect({ pattern, problem: ours }).toEqual({ pattern, problem: isQuoted ? [words, ...quote].join(": `") : words });
  }
});
