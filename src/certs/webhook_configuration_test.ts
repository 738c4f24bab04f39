import { beforeAll, describe, expect, test } from "bun:test";
import type { JsonObject } from "../base/json.ts";
import { type AuthorityCertificate, readBundle } from "./certificate_facts.ts";
import { createCertificateMaker } from "./certificate_maker.ts";
import { bundlePatch, bundleText, hostsOf, readWebhookConfiguration, webhooksToMend } from "./webhook_configuration.ts";

const certificateMaker = createCertificateMaker({ keyBits: 1024 });
const SERVICE = { namespace: "ns", name: "hook" };
let authorities: readonly AuthorityCertificate[];

beforeAll(async () => {
  const made = await Promise.all([0, 0].map(() => certificateMaker.makeAuthority(Date.UTC(2030, 0, 1))));
  authorities = made.flatMap(({ certPem }) => readBundle(certPem));
});

function configuration(webhooks: readonly JsonObject[], annotations: JsonObject = {}) {
  const metadata = { name: "ours", uid: "u", resourceVersion: "7", annotations };
  return readWebhookConfiguration({ metadata, webhooks }, SERVICE);
}

function byService(name: string, caBundle?: string): JsonObject {
  return { name, clientConfig: { service: { ...SERVICE, path: "/x" }, caBundle } };
}

function byUrl(url: string): JsonObject {
  return { name: url, clientConfig: { url } };
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}

test.each([
  ["https://head:9443/x", ["head"]],
  ["https://HEAD.Example.com./x", ["head.example.com"]],
  ["https://10.1.2.3:9443", ["10.1.2.3"]],
  ["https://[FD00:0:0::1]:9443/x", ["fd00::1"]],
  ["no url", []],
])("the host of %s is %p", (url, hosts) => expect(hostsOf([configuration([byUrl(url)])])).toEqual(hosts));

test("hosts are named once, and not without bound", () => {
  const many = Array.from({ length: 50 }, (_, index) => byUrl(`https://host-${index}/x`));
  expect(hostsOf([configuration([...many, ...many])])).toHaveLength(20);
});

describe("a webhook is mended", () => {
  const names = (webhooks: readonly JsonObject[], annotations?: JsonObject) =>
    webhooksToMend(configuration(webhooks, annotations), authorities).map(({ name }) => name);

  test("that has no bundle, another one, one too few or one too many", () => {
    const [first] = authorities;
    const texts = ["", "x", first?.pem ?? "", bundleText([...authorities, ...authorities])];
    expect(names([byService("none"), ...texts.map((text, index) => byService(`${index}`, encoded(text)))]))
      .toEqual(["none", "0", "1", "2", "3"]);
  });

  test("but not one with these CAs in another order or with other white space", () => {
    const text = `\n# ours\n${bundleText(authorities.toReversed())}\n\n`;
    expect(names([byService("good", encoded(text))])).toEqual([]);
  });

  test("but not one that calls somebody else", () => {
    const foreign = { name: "foreign", clientConfig: { service: { ...SERVICE, namespace: "other" } } };
    expect(names([foreign, { name: "odd" }, { clientConfig: byUrl("https://x")["clientConfig"] }])).toEqual([]);
  });

  test("but not in a configuration that cert-manager keeps", () => {
    expect(names([byService("a")], { "cert-manager.io/inject-ca-from": "ns/x" })).toEqual([]);
    expect(names([byService("a")], { "example.com/x": "y" })).toEqual(["a"]);
  });
});

test("the patch sets bundles and nothing else, of the version that was read", () => {
  const read = configuration([byService("a")]);
  expect(bundlePatch(read, read.webhooks, authorities)).toEqual({
    metadata: { resourceVersion: "7" },
    webhooks: [{ name: "a", clientConfig: { caBundle: encoded(bundleText(authorities)) } }],
  });
});
