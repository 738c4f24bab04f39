import { parseDocument } from "yaml";
import { PARTS } from "./parts.ts";

export const CONFIG_KEY = "controller_manager_config.yaml";

export interface ManagerConfigOptions {
  /** The text to start from, comments and all; our own defaults where absent. */
  readonly base?: string | undefined;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly hasCertManager: boolean;
}

/** The text of the controller's configuration file (spec 6.1), with the choices set in it and everything else kept. */
export function managerConfig({ base, featureGates, hasCertManager }: ManagerConfigOptions): string {
  const text = base ?? PARTS.managerConfig;
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new Error(`read ${CONFIG_KEY}: ${error.message.split("\n")[0]}`);
  const before = String(document);
  if (hasCertManager) document.setIn(["internalCertManagement", "enable"], false);
  for (const [gate, isOn] of Object.entries(featureGates)) document.setIn(["featureGates", gate], isOn);
  const after = String(document);
  return after === before ? text : after;
}

/** Whether a configuration makes its own certificates: the default. */
export function hasInternalCertificates(text: string): boolean {
  return parseDocument(text).getIn(["internalCertManagement", "enable"]) !== false;
}
