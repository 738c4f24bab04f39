import { expect, test } from "bun:test";
import type { JsonObject } from "../../src/base/json.ts";
import { isOurs, planProcess } from "./process_plan.ts";

const POD = {
  metadata: { name: "p", namespace: "n", uid: "u", labels: { a: "la" }, annotations: { "x/y": "an" } },
  spec: { nodeName: "node-0" },
};

function planOf(container: JsonObject) {
  return planProcess(POD, container, {
    binary: "/dist/jobset",
    podIp: "10.128.0.1",
    portOf: (port) => port + 10_000,
    env: { HOSTNAME: "p" },
  });
}

test("our own image is known by its name, and our executable in others", () => {
  expect(isOurs({ image: "registry.example.com/team/jobset-lite:0.13.0" })).toBe(true);
  expect(isOurs({ image: "busybox", command: ["/jobset-lite/jobset", "agent"] })).toBe(true);
  expect(isOurs({ image: "busybox", command: ["/in-place-restart-agent"] })).toBe(true);
  expect(isOurs({ image: "busybox", command: ["sh", "-c"], args: ["jobset"] })).toBe(false);
  expect(isOurs({ image: "busybox" })).toBe(false);
});

test("the entry point is our executable, under the name that the command has", () => {
  expect(planOf({ args: ["agent"] })).toMatchObject({ command: ["/dist/jobset", "agent"], argv0: "jobset" });
  const agent = planOf({ command: ["/in-place-restart-agent"] });
  expect(agent).toMatchObject({ command: ["/dist/jobset"], argv0: "in-place-restart-agent" });
  const shell = planOf({ command: ["sh", "-c"], args: ["exit 3"] });
  expect(shell).toMatchObject({ command: ["sh", "-c", "exit 3"], argv0: undefined });
});

test("variables have values, fields, labels and annotations of the Pod, and go into the arguments", () => {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const { env, command } = planOf({
    env: [
      field("NAME", "metadata.name"),
      field("UID", "metadata.uid"),
      field("NODE", "spec.nodeName"),
      field("IP", "status.podIP"),
      field("LABEL", "metadata.labels['a']"),
      field("ANNOTATION", "metadata.annotations['x/y']"),
      { name: "BOTH", value: "$(NAME)-$(LABEL)" },
    ],
    args: ["--name=$(BOTH)", "$$(NAME)", "$(NONE)"],
  });
  expect(env).toEqual({
    HOSTNAME: "p",
    NAME: "p",
    UID: "u",
    NODE: "node-0",
    IP: "10.128.0.1",
    LABEL: "la",
    ANNOTATION: "an",
    BOTH: "p-la",
  });
  expect(command.slice(1)).toEqual(["--name=p-la", "$(NAME)", "$(NONE)"]);
});

test("a probed port becomes a free one, in the probe and in the variables that name it", () => {
  const { env, startup, readiness } = planOf({
    ports: [{ name: "health", containerPort: 9090 }],
    env: [{ name: "PORT", value: "9090" }, { name: "OTHER", value: "9091" }],
    startupProbe: { httpGet: { path: "/barrier-is-down", port: 8081 }, periodSeconds: 2, failureThreshold: 5 },
    readinessProbe: { httpGet: { port: "health" }, initialDelaySeconds: 1 },
  });
  expect(startup).toEqual({ path: "/barrier-is-down", port: 18081, delayMs: 0, periodMs: 2000, patienceMs: 10_000 });
  expect(readiness).toEqual({ path: "/", port: 19090, delayMs: 1000, periodMs: 10_000, patienceMs: 30_000 });
  expect(env).toMatchObject({ PORT: "19090", OTHER: "9091", STARTUP_PROBE_PORT: "18081" });
});

test("a variable of another kind is refused by name", () => {
  const container = { name: "c", env: [{ name: "SECRET", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] };
  expect(() => planOf(container)).toThrow('variable "SECRET"');
});
