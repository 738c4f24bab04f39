import { expect, test } from "bun:test";
import { join } from "node:path";
import { FEATURE_GATE_NAMES, FEATURE_GATES } from "../api/feature_gates.ts";
import { parseConfigFile } from "./config_file.ts";
import { loadSettings } from "./load_settings.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

const root = join(import.meta.dir, "..", "..");
const page = await Bun.file(join(root, "docs", "configuration.md")).text();
const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";

function settingsOf(text: string) {
  const readConfigFile = (path: string) => Promise.resolve(parseConfigFile(text, path));
  return loadSettings({ flags: { config: "c.yaml" }, env: {}, readConfigFile });
}

test("the documented file says what holds without it", async () => {
  expect(example).toContain("kind: Configuration");
  expect(await settingsOf(example)).toEqual(DEFAULT_SETTINGS);
});

test("every field of the documented file is in the table", () => {
  const fields = Object.keys(parseConfigFile(example, "c.yaml").positions)
    .filter((field) => field.includes(".") && !field.startsWith("featureGates."));
  expect(fields.length).toBeGreaterThan(15);
  for (const field of fields) expect(page).toContain(`| \`${field}\` |`);
});

test("the documented gates are the gates there are", () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (Alpha|Beta|GA) \| (true|false)(, locked)? \|$/gm)];
  expect(rows.map(([, name, stage, byDefault, locked]) => [name, stage, byDefault, locked !== undefined])).toEqual(
    FEATURE_GATE_NAMES.map((name) => {
      const { stage, default: isOn, isLocked } = FEATURE_GATES[name];
      return [name, stage, String(isOn), isLocked];
    }),
  );
});

test("the installed file gives the defaults", async () => {
  const installed = await Bun.file(join(root, "manifests", "controller_manager_config.yaml")).text();
  expect(await settingsOf(installed)).toEqual(DEFAULT_SETTINGS);
});
