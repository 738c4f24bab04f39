import { expect, test } from "bun:test";
import { UsageError } from "../config/usage_error.ts";
import { defaultInstallOptions, readInstallOptions } from "./install_options.ts";

const DEFAULTS = defaultInstallOptions("1.2.3");

test("without flags it is the installation of spec 6.5", () => {
  expect(readInstallOptions({}, DEFAULTS)).toEqual(DEFAULTS);
  expect(DEFAULTS).toMatchObject({
    namespace: "jobset-system",
    image: "localhost/jobset-lite/jobset:v1.2.3",
    replicas: 1,
  });
});

test("flags go over what was there, and an empty one counts as absent", () => {
  const base = { ...DEFAULTS, hasCertManager: true, replicas: 3, featureGates: { RestartJob: true } };
  const flags = {
    replicas: "",
    "cert-manager": "",
    "feature-gates": "ElasticJobSet=true, RestartJob=false",
    image: "a/b:v1",
  };
  expect(readInstallOptions(flags, base)).toEqual({
    ...base,
    image: "a/b:v1",
    featureGates: { RestartJob: false, ElasticJobSet: true },
  });
  expect(readInstallOptions({ "cert-manager": "false", replicas: "0" }, base)).toMatchObject({
    hasCertManager: false,
    replicas: 0,
  });
});

test("a webhook URL loses the slash at its end and can be taken back", () => {
  const withUrl = readInstallOptions({ "webhook-url": "https://head.example:9443/" }, DEFAULTS);
  expect(withUrl.webhookUrl).toBe("https://head.example:9443");
  expect(readInstallOptions({ "webhook-url": "https://[::1]/base//" }, DEFAULTS).webhookUrl).toBe("https://[::1]/base");
  expect(readInstallOptions({ "webhook-url": "none", replicas: "2" }, withUrl).webhookUrl).toBeUndefined();
});

test("what can't be is refused with the flag's name", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["namespace", "Team A", '--namespace: "Team A" is not the name of a namespace'],
    ["image", "two words", '--image: "two words" is not the name of an image'],
    ["replicas", "-1", '--replicas: "-1" is not a whole number from 0 to 100'],
    ["replicas", "101", '--replicas: "101" is not'],
    ["cert-manager", "maybe", '--cert-manager: "maybe" is neither true nor false'],
    ["feature-gates", "RestartJob", '--feature-gates: "RestartJob" is not NAME=true or NAME=false'],
    ["feature-gates", "Nope=true", "--feature-gates: unrecognized feature gate: Nope; there are ElasticJobSet,"],
    ["feature-gates", "TLSOptions=false", "feature is locked to true"],
    ["webhook-url", "http://head:9443", "is no https URL"],
    ["webhook-url", "head:9443", "is no https URL"],
    ["webhook-url", "https://u:p@head", "has a user name or password"],
    ["webhook-url", "https://head?", "has a query or fragment"],
  ];
  for (const [flag, value, message] of cases) {
    expect(() => readInstallOptions({ [flag]: value }, DEFAULTS)).toThrow(message);
    expect(() => readInstallOptions({ [flag]: value }, DEFAULTS)).toThrow(UsageError);
  }
});

test("what has no place without Deployment and Services is refused beside a webhook URL", () => {
  for (const flag of ["image", "replicas", "cert-manager", "prometheus"]) {
    const value = flag === "replicas" ? "1" : flag === "image" ? "a:v1" : "true";
    const flags = { "webhook-url": "https://head:9443", [flag]: value };
    expect(() => readInstallOptions(flags, DEFAULTS)).toThrow(`--${flag}: not with --webhook-url`);
  }
});
