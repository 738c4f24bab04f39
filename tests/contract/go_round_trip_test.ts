import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { errorText } from "../../src/admission/field_error.ts";
import { equalQuantities } from "../../src/api/quantity.ts";
import { seededRandom } from "../../src/base/seeded_random.ts";
import { pick, Templates } from "../../src/admission/test_templates.ts";
import { validateUpdate } from "../../src/admission/validate_update.ts";
import { DEFAULT_FEATURE_GATES } from "../../src/api/feature_gates.ts";
import { asArray, asObject, at, type JsonObject } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";
import { GoRoundTrip } from "./go_round_trip.ts";
import { ODD_TEMPLATES } from "./odd_templates.ts";
import { installCrd, type SharedServer, sharedServer, TestNamespace } from "./shared_server.ts";

const BUILD_TIMEOUT_MS = 600_000;
const RANDOM_TEMPLATES = 500;

/** Without Go nothing here can be asked of its types; the reason is printed in place of a result. */
const hasGo = Bun.which("go") !== null;

let server: SharedServer;
let space: TestNamespace;
let go: GoRoundTrip;

beforeAll(async () => {
  server = await sharedServer();
  await installCrd(server);
  space = new TestNamespace(server.api);
  await space.create();
  go = new GoRoundTrip();
  if (hasGo) await go.build();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  go.remove();
  await space.remove();
});

function isAsked(): boolean {
  if (!hasGo) console.log("go_round_trip: nothing asked: `go` is not on PATH, so there are no Go types to ask");
  return hasGo;
}

function texts(oldObject: unknown, object: unknown): readonly string[] {
  return validateUpdate({ object, oldObject, gates: DEFAULT_FEATURE_GATES }).map(errorText);
}

function templatesOf(jobSet: unknown): readonly unknown[] {
  return asArray(at(jobSet, "spec", "replicatedJobs")).map((job) => at(job, "template"));
}

/** What a Go client sends in one merge patch (K10): the whole list, through its types, and suspend turned round. */
async function flip(name: string, stored: JsonObject): Promise<JsonObject> {
  const templates = await go.roundTrip(templatesOf(stored));
  const jobs = asArray(at(stored, "spec", "replicatedJobs"));
  const replicatedJobs = jobs.map((job, i) => ({ ...asObject(job), template: templates[i] }));
  const suspend = at(stored, "spec", "suspend") !== true;
  const answer = await space.patch(name, { suspend, replicatedJobs });
  expect(answer.code).toBe(200);
  return answer.body;
}

describe("what Go clients read and write back (K11)", () => {
  test("is accepted for stored JobSets of odd values, running or suspended", async () => {
    if (!isAsked()) return;
    for (const suspend of [true, false]) {
      for (const [what, template] of Object.entries(ODD_TEMPLATES)) {
        const { name, stored } = await space.store({
          suspend,
          replicatedJobs: [{ name: "a", template }, { name: "b", template }],
        });
        const written = await flip(name, stored);
        expect([what, texts(stored, written)]).toEqual([what, []]);
        expect([what, texts(written, stored)]).toEqual([what, []]);
        // The types did change something, or nothing was shown.
        expect([what, Bun.deepEquals(templatesOf(written), templatesOf(stored))]).toEqual([what, false]);
      }
    }
  });

  test("is accepted for templates of any fields of the API", async () => {
    if (!isAsked()) return;
    const templates = new Templates();
    const asked = Array.from(
      { length: RANDOM_TEMPLATES },
      (_, seed) => templates.random(seededRandom(seed * 7919), 0.25),
    );
    const written = await go.roundTrip(asked);
    asked.forEach((template, i) => {
      const [before, after] = [template, written[i]].map((of) => ({
        spec: { replicatedJobs: [{ name: "a", template: of }] },
      }));
      expect([i, texts(before, after)]).toEqual([i, []]);
      expect([i, texts(after, before)]).toEqual([i, []]);
    });
  });

  test("is accepted for quantities in every notation", async () => {
    if (!isAsked()) return;
    const random = seededRandom(1);
    const asked = Array.from({ length: RANDOM_TEMPLATES }, () => {
      const limits = Array.from({ length: 10 }, (_, i) => [`example.com/${i}`, randomQuantity(random)] as const);
      return { spec: { template: { spec: { resources: { limits: Object.fromEntries(limits) } } } } };
    });
    const written = await go.roundTrip(asked);
    const podResources = (template: unknown) => at(template, "spec", "template", "spec", "resources", "limits");
    asked.forEach((template, i) => {
      const [before, after] = [asObject(podResources(template)) ?? {}, asObject(podResources(written[i])) ?? {}];
      for (const [name, quantity] of Object.entries(before)) {
        expect([quantity, after[name], equalQuantities(quantity, after[name])]).toEqual([quantity, after[name], true]);
      }
    });
  });
});

/** A quantity as the CRD's pattern takes it, of up to 20 digits on either side of the point. */
function randomQuantity(random: Random): string {
  const digits = (atLeast: number) => {
    const length = atLeast + Math.floor(random.next() ** 3 * 20);
    return Array.from({ length }, () => Math.floor(random.next() * 10)).join("");
  };
  const sign = pick(random, ["", "", "", "-", "+"]);
  const number = random.next() < 0.5 ? digits(1) : random.next() < 0.5 ? `${digits(1)}.${digits(0)}` : `.${digits(1)}`;
  const suffixes = [
    "",
    "n",
    "u",
    "m",
    "k",
    "M",
    "G",
    "T",
    "P",
    "E",
    "Ki",
    "Mi",
    "Gi",
    "Ti",
    "Pi",
    "Ei",
    "e3",
    "E-12",
    "e+9",
  ];
  return `${sign}${number}${pick(random, suffixes) ?? ""}`;
}
